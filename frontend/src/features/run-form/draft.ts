/** What a person has put together so far, and the definition it becomes. */
import type { Definition, InputSource, Kind, Processor, ProcessorVersion, RunKind } from '@/api/types'
import { initialRaw, isList, parseAll, type Raw } from '@/lib/parameters'
import { slugify } from '@/lib/paths'
import { resolveRange } from '@/lib/versions'

export type DraftStep = {
  key: string
  name: string
  processor: Processor
  version: ProcessorVersion
  /** What the definition asks for: a number, or a range that means `version` now. */
  wanted: string
  raw: Record<string, Raw>
  inputs: Record<string, InputSource>
  machine: string | null
}

export type Draft = {
  kind: RunKind
  name: string
  steps: DraftStep[]
  targetBranch: string
}

/** Which processors may stand in a run of a kind. */
export const ALLOWED: Record<RunKind, Kind[]> = {
  dataops: ['operation'],
  experiment: ['operation', 'algorithm'],
  visualization: ['operation', 'visualization'],
}

export const TITLES: Record<RunKind, string> = {
  dataops: 'New data pipeline',
  experiment: 'New experiment',
  visualization: 'New visualization',
}

export function inputNames(version: ProcessorVersion): string[] {
  const names = version.parameters.filter((parameter) => parameter.role === 'input').map((parameter) => parameter.name)
  return names.length > 0 ? names : ['input']
}

export function outputNames(version: ProcessorVersion): string[] {
  const names = version.parameters.filter((parameter) => parameter.role === 'output').map((parameter) => parameter.name)
  return names.length > 0 ? names : ['output']
}

export function isInputRequired(version: ProcessorVersion, name: string): boolean {
  return version.parameters.some((parameter) => parameter.role === 'input' && parameter.name === name && parameter.required)
}

/** Only operations make data for others: nothing may read a model or a picture. */
export function isRead(step: DraftStep): boolean {
  return step.processor.kind === 'operation'
}

let keys = 0

/** A new last step: it reads the output of the last operation, or the project's files where there is none before it. */
export function addStep(steps: DraftStep[], processor: Processor, version: ProcessorVersion, source: { branch: string; path: string }): DraftStep[] {
  keys += 1
  const last = steps.findLast(isRead)
  const input: InputSource = last ? { step: last.name, output: outputNames(last.version)[0] ?? 'output' } : source
  const first = inputNames(version)[0] ?? 'input'
  return [
    ...steps,
    {
      key: `step-${keys}`,
      name: freeName(steps, processor.name),
      processor,
      version,
      wanted: version.version,
      raw: initialRaws(version),
      inputs: { [first]: input },
      machine: null,
    },
  ]
}

function initialRaws(version: ProcessorVersion): Record<string, Raw> {
  return Object.fromEntries(version.parameters.map((parameter) => [parameter.name, initialRaw(parameter)]))
}

export function freeName(steps: DraftStep[], wanted: string): string {
  const base = slugify(wanted).replace(/[._]+/g, '-').slice(0, 50) || 'step'
  const taken = new Set(steps.map((step) => step.name))
  if (!taken.has(base)) return base
  let number = 2
  while (taken.has(`${base}-${number}`)) number += 1
  return `${base}-${number}`
}

/** Another name for a step; those that read its output follow. */
export function renameStep(steps: DraftStep[], key: string, name: string): DraftStep[] {
  const old = steps.find((step) => step.key === key)?.name
  return steps.map((step) => ({
    ...step,
    name: step.key === key ? name : step.name,
    inputs: Object.fromEntries(
      Object.entries(step.inputs).map(([input, source]) => [input, 'step' in source && source.step === old ? { ...source, step: name } : source]),
    ),
  }))
}

/** Without a step; whoever read its output reads what that step read. */
export function removeStep(steps: DraftStep[], key: string): DraftStep[] {
  const gone = steps.find((step) => step.key === key)
  if (!gone) return steps
  const heir = Object.values(gone.inputs)[0]
  return steps
    .filter((step) => step.key !== key)
    .map((step) => ({
      ...step,
      inputs: Object.fromEntries(
        Object.entries(step.inputs).flatMap(([input, source]) => {
          if (!('step' in source) || source.step !== gone.name) return [[input, source]]
          return heir ? [[input, heir]] : []
        }),
      ),
    }))
}

/** Another version or range: values of parameters that it has too are kept, the rest begins with its defaults. */
export function chooseVersion(step: DraftStep, wanted: string): DraftStep {
  const version = resolveRange(step.processor.versions ?? [step.version], wanted)
  if (!version) return step
  const kept = Object.fromEntries(version.parameters.map((parameter) => {
    const before = step.version.parameters.find((one) => one.name === parameter.name)
    const raw = step.raw[parameter.name]
    const own = before && raw !== undefined && isList(before) === isList(parameter) && JSON.stringify(raw) !== JSON.stringify(initialRaw(before))
    return [parameter.name, own ? raw : initialRaw(parameter)]
  }))
  const names = inputNames(version)
  const inputs = Object.fromEntries(Object.entries(step.inputs).filter(([name]) => names.includes(name)))
  const [first = 'input'] = names
  const source = Object.values(step.inputs)[0]
  return { ...step, version, wanted, raw: kept, inputs: Object.keys(inputs).length === 0 && source ? { [first]: source } : inputs }
}

export type Faults = Record<string, string>

/** The definition, and every fault with the field the server would name too. */
export function toDefinition(draft: Draft): { definition: Definition; faults: Faults } {
  const faults: Faults = {}
  if (!draft.name.trim()) faults.name = 'Give the run a name.'
  if (draft.steps.length === 0) faults.steps = 'Add at least one step.'
  const steps = draft.steps.map((step, index) => {
    const at = `steps[${index}]`
    const shown = step.version.parameters.filter((parameter) => parameter.role === 'value')
    const { values, errors } = parseAll(shown, step.raw)
    for (const [name, error] of Object.entries(errors)) faults[`${at}.parameters.${name}`] = error
    for (const name of inputNames(step.version)) {
      if (isInputRequired(step.version, name) && !step.inputs[name]) faults[`${at}.inputs.${name}`] = 'Choose the data to read.'
    }
    if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(step.name)) faults[`${at}.name`] = 'Use lower-case letters, digits and dashes.'
    return {
      name: step.name,
      processor: `${step.processor.slug}@${step.wanted}`,
      inputs: step.inputs,
      parameters: values,
      ...(step.machine ? { machine: step.machine } : {}),
    }
  })
  const definition: Definition = { version: 1, name: draft.name.trim(), kind: draft.kind, steps }
  if (draft.kind === 'dataops' && draft.targetBranch.trim()) definition.target = { branch: draft.targetBranch.trim(), path: null }
  return { definition, faults }
}

/** The fault of a field, or of something inside it: inputs.input.path belongs to inputs.input. */
export function faultAt(faults: Faults, field: string): string | undefined {
  if (faults[field]) return faults[field]
  const inside = Object.keys(faults).find((name) => name.startsWith(`${field}.`) || name.startsWith(`${field}[`))
  return inside ? faults[inside] : undefined
}
