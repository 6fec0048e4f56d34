import { expect, test } from 'vitest'
import { compareVersions, inRange, nextVersion, rangeChoices, resolveRange } from './versions'

const published = (version: string) => ({ version, status: 'published' })

test('numbers are compared as numbers', () => {
  expect(['1.10.0', '1.9.9', '2.0.0'].toSorted(compareVersions)).toEqual(['1.9.9', '1.10.0', '2.0.0'])
})

test.each([
  ['1.2.0', '^1.2', true], ['1.9.9', '^1.2', true], ['2.0.0', '^1.2', false], ['1.1.9', '^1.2', false],
  ['1.2.9', '~1.2.3', true], ['1.3.0', '~1.2.3', false], ['1.7.0', '1.x', true], ['2.0.0', '1.x', false],
  ['1.5.0', '>=1.0 <2.0', true], ['2.0.0', '>=1.0 <2.0', false], ['0.2.9', '^0.2.3', true], ['0.3.0', '^0.2.3', false],
  ['3.1.4', 'latest', true], ['1.2.0', '1.2.0', true], ['1.2.1', '1.2.0', false], ['1.3.0', '>1.2', true], ['1.2.9', '>1.2', false],
  ['1.2.9', '<=1.2', true], ['1.3.0', '<=1.2', false], ['1.4.0', '>= 1.2', true],
])('%s in %s is %s', (version, range, expected) => {
  expect(inRange(version, range)).toBe(expected)
})

test('what is no range is told', () => {
  expect(inRange('1.0.0', 'newest please')).toBeNull()
})

test('a range takes the newest that may be chosen, and a deprecated one only when there is no other', () => {
  const versions = [published('1.0.0'), { version: '1.2.0', status: 'deprecated' }, published('1.1.0'), { version: '1.3.0', status: 'unpublished' }]
  expect(resolveRange(versions, '^1')?.version).toBe('1.1.0')
  expect(resolveRange(versions, '~1.2')?.version).toBe('1.2.0')
  expect(resolveRange(versions, '1.3.0')?.version).toBe('1.3.0')
  expect(resolveRange(versions, '^2')).toBeNull()
})

test('choices hold each version and the useful ranges, never one that was unpublished', () => {
  const values = rangeChoices([published('1.0.0'), published('2.1.0'), { version: '3.0.0', status: 'unpublished' }]).map((choice) => choice.value)
  expect(values).toEqual(['2.1.0', '1.0.0', 'latest', '^2', '^1', '~2.1'])
})

test('the next number says how much has changed', () => {
  expect([nextVersion('1.2.3', 'breaking'), nextVersion('1.2.3', 'feature'), nextVersion('1.2.3', 'fix')]).toEqual(['2.0.0', '1.3.0', '1.2.4'])
  expect([nextVersion('0.2.3', 'breaking'), nextVersion('0.2.3', 'feature')]).toEqual(['0.3.0', '0.2.4'])
})

test('a pre-release stands before its release and is only taken by its number', () => {
  expect(['1.2.0', '1.2.0-rc.10', '1.2.0-rc.2', '1.1.0'].toSorted(compareVersions)).toEqual(['1.1.0', '1.2.0-rc.2', '1.2.0-rc.10', '1.2.0'])
  const versions = [published('1.1.0'), published('1.2.0-rc.1')]
  expect(resolveRange(versions, 'latest')?.version).toBe('1.1.0')
  expect(resolveRange(versions, '1.2.0-rc.1')?.version).toBe('1.2.0-rc.1')
  expect(rangeChoices([published('1.0.0-rc.1')]).map((choice) => choice.value)).toEqual(['1.0.0-rc.1'])
})
