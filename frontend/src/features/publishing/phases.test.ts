import { expect, test } from 'vitest'
import type { Publication } from '@/api/types'
import { phasesOf } from './phases'

const AT = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`
const publication = (more: Partial<Publication>): Publication => ({
  id: 'pub_1', status: 'pending', version: '1.0.0', processor: null, name: 'a', pipeline_id: null, job_id: null, reason: null, errors: [],
  created_at: AT(0), started_at: null, finished_at: null, ...more,
})
const states = (more: Partial<Publication>) => phasesOf(publication(more), Date.parse(AT(9))).map((phase) => `${phase.state} ${phase.seconds ?? '-'}`)

test('waiting, building, published', () => {
  expect(states({})).toEqual(['now 9', 'next -', 'next -'])
  expect(states({ status: 'running', started_at: AT(2) })).toEqual(['done 2', 'now 7', 'next -'])
  expect(states({ status: 'succeeded', started_at: AT(2), finished_at: AT(5) })).toEqual(['done 2', 'done 3', 'done -'])
})

test('what failed is where it failed', () => {
  expect(states({ status: 'failed', started_at: AT(2), finished_at: AT(5) })).toEqual(['done 2', 'failed 3', 'next -'])
  expect(states({ status: 'failed', finished_at: AT(5) })).toEqual(['failed 5', 'next -', 'next -'])
})
