import { expect, test } from 'vitest'
import { parameter } from '@/testing/fakes'
import { initialRaw, parseAll, parseDictionary, parseRaw } from './parameters'

const value = (type: Parameters<typeof parameter>[1], raw: string, more = {}) => parseRaw(parameter('p', type, more), raw)

test('negative integers and exponents are numbers', () => {
  expect(value('integer', '-3')).toEqual({ ok: true, value: -3 })
  expect(value('float', '1e-4')).toEqual({ ok: true, value: 0.0001 })
  expect(value('float', '-.5')).toEqual({ ok: true, value: -0.5 })
  expect(value('float', ' 2. ')).toEqual({ ok: true, value: 2 })
})

test('what is no number is refused with an example', () => {
  for (const text of ['1.5', 'x', '1e3', '--2', '99999999999999999999']) expect(value('integer', text).ok).toBe(false)
  for (const text of ['x', 'NaN', 'Infinity', '1e', '0x10', '1e999']) expect(value('float', text).ok).toBe(false)
})

test('ranges include their ends', () => {
  const range = { min: -1, max: 1 }
  expect(value('float', '-1', range).ok).toBe(true)
  expect(value('float', '1.001', range)).toEqual({ ok: false, error: 'At most 1.' })
  expect(value('integer', '-2', range)).toEqual({ ok: false, error: 'At least -1.' })
})

test('a required value cannot be empty, an optional one is left out', () => {
  expect(value('string', '', { required: true }).ok).toBe(false)
  expect(value('float', '')).toEqual({ ok: true, value: undefined })
})

test('text keeps its spaces and its shell signs', () => {
  expect(value('string', ' $(rm -rf /) ; "x" ')).toEqual({ ok: true, value: ' $(rm -rf /) ; "x" ' })
})

test('a choice gives the value as declared, not its text', () => {
  expect(value('choice', '2', { choices: [1, 2] })).toEqual({ ok: true, value: 2 })
  expect(value('choice', '3', { choices: [1, 2] }).ok).toBe(false)
})

test('several values are each of the base type', () => {
  const layers = parameter('layers', 'integer', { multiple: true })
  expect(parseRaw(layers, ['64', '-1'])).toEqual({ ok: true, value: [64, -1] })
  expect(parseRaw(layers, ['64', 'x']).ok).toBe(false)
  expect(parseRaw({ ...layers, nargs: 2 }, ['1'])).toEqual({ ok: false, error: 'Give exactly 2 values.' })
})

test('a dictionary is JSON or lines', () => {
  expect(parseDictionary('{"a": 1}')).toEqual({ ok: true, value: { a: 1 } })
  expect(parseDictionary('a=1\nb = x=y')).toEqual({ ok: true, value: { a: '1', b: 'x=y' } })
  expect(parseDictionary('{"a": ').ok).toBe(false)
  expect(parseDictionary('[1]').ok).toBe(false)
})

test('a form starts with the defaults and gives all faults at once', () => {
  const all = [parameter('rate', 'float', { default: 0.001 }), parameter('epochs', 'integer', { required: true }), parameter('fast', 'boolean', { default: true })]
  expect(all.map(initialRaw)).toEqual(['0.001', '', true])
  expect(parseAll(all, { rate: 'x' })).toEqual({ values: { fast: true }, errors: { rate: expect.any(String), epochs: expect.any(String) } })
})
