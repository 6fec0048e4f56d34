/** From what a person types to the value a processor gets: one rule per parameter type. */
import type { Parameter, ParameterType } from '@/api/types'

export type Raw = string | boolean | string[]
export type Parsed = { ok: true; value: unknown } | { ok: false; error: string }

const INTEGER = /^[+-]?\d+$/
const FLOAT = /^[+-]?(\d+(_\d+)*\.?\d*|\.\d+)([eE][+-]?\d+)?$/

export function isList(parameter: Parameter): boolean {
  return parameter.multiple || parameter.type === 'list'
}

export function initialRaw(parameter: Parameter): Raw {
  const value = parameter.default
  if (isList(parameter)) return Array.isArray(value) ? value.map(String) : []
  if (parameter.type === 'boolean') return value === true
  if (value === null || value === undefined) return ''
  if (parameter.type === 'dictionary') return typeof value === 'string' ? value : JSON.stringify(value)
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

export function parseRaw(parameter: Parameter, raw: Raw): Parsed {
  if (Array.isArray(raw)) return parseList(parameter, raw)
  if (typeof raw === 'boolean') return { ok: true, value: raw }
  const text = parameter.type === 'string' || parameter.type === 'choice' ? raw : raw.trim()
  if (text === '') {
    if (parameter.required) return { ok: false, error: 'This value is required.' }
    return { ok: true, value: undefined }
  }
  return checkRange(parameter, parseText(parameter.type, text, parameter))
}

function parseList(parameter: Parameter, raw: string[]): Parsed {
  if (raw.length === 0) {
    return parameter.required ? { ok: false, error: 'Give at least one value.' } : { ok: true, value: undefined }
  }
  if (typeof parameter.nargs === 'number' && raw.length !== parameter.nargs) {
    return { ok: false, error: `Give exactly ${parameter.nargs} values.` }
  }
  const values: unknown[] = []
  for (const item of raw) {
    const type = parameter.type === 'list' ? 'string' : parameter.type
    const parsed = checkRange(parameter, parseText(type, item, parameter))
    if (!parsed.ok) return { ok: false, error: `"${item}": ${parsed.error}` }
    values.push(parsed.value)
  }
  return { ok: true, value: values }
}

function parseText(type: ParameterType, text: string, parameter: Parameter): Parsed {
  if (type === 'integer') {
    if (!INTEGER.test(text)) return { ok: false, error: 'Enter a whole number, such as -3 or 10.' }
    const value = Number(text)
    return Number.isSafeInteger(value) ? { ok: true, value } : { ok: false, error: 'This number is too large.' }
  }
  if (type === 'float') {
    const value = FLOAT.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN
    return Number.isFinite(value) ? { ok: true, value } : { ok: false, error: 'Enter a number, such as 0.5 or 1e-4.' }
  }
  if (type === 'choice') return parseChoice(text, parameter.choices ?? [])
  if (type === 'dictionary') return parseDictionary(text)
  if (type === 'boolean') return { ok: true, value: text === 'true' }
  return { ok: true, value: text }
}

function parseChoice(text: string, choices: unknown[]): Parsed {
  const found = choices.find((choice) => String(choice) === text)
  return found === undefined ? { ok: false, error: `Choose one of ${choices.join(', ')}.` } : { ok: true, value: found }
}

/** A JSON object, or one key=value a line. */
export function parseDictionary(text: string): Parsed {
  if (text.startsWith('{')) {
    try {
      const value: unknown = JSON.parse(text)
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ok: true, value }
    } catch {
      return { ok: false, error: 'This is not valid JSON. Write {"key": "value"}.' }
    }
  }
  const entries: [string, string][] = []
  for (const line of text.split('\n').filter((part) => part.trim())) {
    const equals = line.indexOf('=')
    if (equals < 1) return { ok: false, error: 'Write one key=value a line, or a JSON object.' }
    entries.push([line.slice(0, equals).trim(), line.slice(equals + 1).trim()])
  }
  return { ok: true, value: Object.fromEntries(entries) }
}

function checkRange(parameter: Parameter, parsed: Parsed): Parsed {
  if (!parsed.ok || typeof parsed.value !== 'number') return parsed
  if (parameter.min !== null && parsed.value < parameter.min) return { ok: false, error: `At least ${parameter.min}.` }
  if (parameter.max !== null && parsed.value > parameter.max) return { ok: false, error: `At most ${parameter.max}.` }
  return parsed
}

/** All values of a form; a value equal to nothing typed is left to the processor's own default. */
export function parseAll(parameters: Parameter[], raw: Record<string, Raw>) {
  const values: Record<string, unknown> = {}
  const errors: Record<string, string> = {}
  for (const parameter of parameters) {
    const parsed = parseRaw(parameter, raw[parameter.name] ?? initialRaw(parameter))
    if (!parsed.ok) errors[parameter.name] = parsed.error
    else if (parsed.value !== undefined) values[parameter.name] = parsed.value
  }
  return { values, errors }
}

export function rangeHint(parameter: Parameter): string | null {
  const { min, max } = parameter
  if (min !== null && max !== null) return `${min} to ${max}`
  if (min !== null) return `≥ ${min}`
  return max !== null ? `≤ ${max}` : null
}
