import { expect, test } from 'vitest'
import { run, step } from '@/testing/fakes'
import { explainReason, initialLive, reduce } from './run-events'

const begun = reduce(initialLive, { type: 'run', data: run({ steps: [step('a', 'running'), step('b', 'waiting')] }) })

test('the first event brings the whole run', () => {
  expect(begun.run?.steps.map((entry) => entry.status)).toEqual(['running', 'waiting'])
})

test('a step event changes only its step', () => {
  const next = reduce(begun, { type: 'step', data: { id: 'stp_b', name: 'b', status: 'queued' } })
  expect(next.run?.steps.map((entry) => entry.status)).toEqual(['running', 'queued'])
})

test('a run event without steps keeps those it has', () => {
  const next = reduce(begun, { type: 'run', data: { status: 'finishing' } })
  expect(next.run?.status).toBe('finishing')
  expect(next.run?.steps).toHaveLength(2)
})

test('what has ended is never opened again by a late event', () => {
  const ended = reduce(reduce(begun, { type: 'run', data: { status: 'failed' } }), { type: 'step', data: { name: 'a', status: 'failed', exit_code: 3 } })
  const late = reduce(reduce(ended, { type: 'run', data: { status: 'running' } }), { type: 'step', data: { name: 'a', status: 'running' } })
  expect(late.run?.status).toBe('failed')
  expect(late.run?.steps[0]).toMatchObject({ status: 'failed', exit_code: 3 })
})

test('metrics gather by step, logs only say that there is news', () => {
  const measured = reduce(begun, { type: 'metric', data: { step: 'a', points: [{ key: 'loss', value: 0.5, step: 1 }] } })
  expect(measured.curves.a?.loss).toEqual({ steps: [1], values: [0.5] })
  const logged = reduce(measured, { type: 'log', data: { step: 'a' } })
  expect(logged.logVersion).toEqual({ a: 1 })
})

test('unknown events and events before the run change nothing', () => {
  expect(reduce(begun, { type: 'ping', data: {} })).toBe(begun)
  expect(reduce(initialLive, { type: 'step', data: { name: 'a' } })).toBe(initialLive)
  expect(reduce(begun, { type: 'run', data: null })).toBe(begun)
})

test('a reason becomes a sentence with the exit code', () => {
  expect(explainReason({ reason: 'exit_code', exit_code: 137, message: null })).toContain('137')
  expect(explainReason({ reason: 'image_pull_failure', exit_code: null, message: 'no such image' })).toBe('image pull failure no such image')
})
