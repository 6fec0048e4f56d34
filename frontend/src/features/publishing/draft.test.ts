import { expect, test } from 'vitest'
import type { Inspection } from '@/api/types'
import { parameter, processor } from '@/testing/fakes'
import { adviceFor, described, draftOf, overrides, toOrder } from './draft'

const found = (more: Partial<Inspection> = {}): Inspection => ({
  commit: 'c', entry: 'a.py', parameters: [], warnings: [], errors: [], requirements: null,
  suggested: { name: 'a', kind: 'operation', title: 'A', description: '', environment: 'python-3.11', tags: [], network: 'none' }, ...more,
})

test('what was guessed is ordered as it was shown', () => {
  expect(toOrder(draftOf(found()), found())).toEqual({ name: 'a', kind: 'operation', title: 'A', environment: 'python-3.11', consent_network: false })
})

test('what processor.yaml says is left to it, unless it was changed', () => {
  const look = found({ manifest: { name: 'a', kind: 'operation', title: 'A', environment: 'python-3.11' } })
  expect(toOrder(draftOf(look), look)).toEqual({ consent_network: false })
  expect(toOrder({ ...draftOf(look), title: 'B', tags: ['x'], version: ' 2.0.0 ' }, look)).toEqual({ title: 'B', tags: ['x'], version: '2.0.0', consent_network: false })
})

test('consent is only given to a processor that asks for the open network', () => {
  expect(toOrder({ ...draftOf(found()), consent: true }, found()).consent_network).toBe(false)
  expect(toOrder({ ...draftOf(found()), network: 'open', consent: true }, found()).consent_network).toBe(true)
})

test('the number follows from what changed', () => {
  const before = [processor('g/p/a', 'operation', [parameter('rate', 'float')])]
  expect(adviceFor('other', found(), before)).toBeNull()
  expect(adviceFor('a', found({ parameters: [parameter('rate', 'float')] }), before)).toMatchObject({ against: '1.0.0', next: '1.0.1', weight: 'fix' })
  expect(adviceFor('a', found({ parameters: [parameter('rate', 'float'), parameter('more', 'string')] }), before)).toMatchObject({ next: '1.1.0' })
  expect(adviceFor('a', found(), before)).toMatchObject({ next: '2.0.0', difference: { breaking: ['rate is gone'] } })
})

test('a description is told in words', () => {
  expect(described({ name: 'a', tags: ['x', 'y'], resources: { cpus: 1, memory: '2GiB' }, metrics: { accuracy: { goal: 'maximize' } }, licence: null })).toEqual([
    { title: 'Name', text: 'a' }, { title: 'Tags', text: 'x, y' }, { title: 'Resources', text: 'cpus 1, memory 2GiB' }, { title: 'Metrics', text: 'accuracy' },
  ])
  expect(overrides({ parameters: { rate: { min: 0, max: 1 }, other: {} } })).toEqual({ rate: ['min', 'max'] })
})
