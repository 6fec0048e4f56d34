import { expect, test } from 'vitest'
import { parameter } from '@/testing/fakes'
import { compareParameters, weightOf } from './changes'

test('nothing changed is a fix', () => {
  const same = [parameter('rate', 'float', { default: 0.1 })]
  expect(compareParameters(same, same)).toEqual({ added: [], removed: [], changed: [], breaking: [] })
  expect(weightOf(compareParameters(same, same))).toBe('fix')
})

test('a new parameter that is not required is a feature', () => {
  const found = compareParameters([], [parameter('rate', 'float')])
  expect(found.breaking).toEqual([])
  expect(weightOf(found)).toBe('feature')
})

test('what earlier callers stumble over is named', () => {
  const before = [parameter('rate', 'float', { max: 1 }), parameter('mode', 'choice', { choices: ['a', 'b'] }), parameter('old', 'string')]
  const after = [parameter('rate', 'float', { max: 0.5 }), parameter('mode', 'choice', { choices: ['a'] }), parameter('fresh', 'string', { required: true })]
  const found = compareParameters(before, after)
  expect(found.breaking).toEqual(['old is gone', 'fresh is new and required', 'rate: max 1 → 0.5', 'mode: choices ["a","b"] → ["a"]'])
  expect(weightOf(found)).toBe('breaking')
})

test('wider is not breaking', () => {
  const before = [parameter('rate', 'integer', { max: 1 }), parameter('mode', 'choice', { choices: ['a'] })]
  const after = [parameter('rate', 'float', { max: 2 }), parameter('mode', 'choice', { choices: ['a', 'b'] })]
  expect(compareParameters(before, after).breaking).toEqual([])
})

test('another help text alone is a fix, another default is not', () => {
  const before = [parameter('rate', 'float', { help: 'x', default: 1 })]
  expect(weightOf(compareParameters(before, [parameter('rate', 'float', { help: 'y', default: 1 })]))).toBe('fix')
  expect(weightOf(compareParameters(before, [parameter('rate', 'float', { help: 'x', default: 2 })]))).toBe('feature')
})
