import { expect, test } from 'vitest'
import type { Parameter } from '@/api/types'
import { compareParameters } from './changes'
import cases from './parameter-changes.json'

const PLAIN = {
  name: 'one', type: 'string', role: 'value', required: false, default: null, choices: null, min: null, max: null, multiple: false,
  nargs: null, unit: null, flag: '--one', help: '', negated_flag: null,
}

// The same table is read by the server's tests.
test.each(cases)('$field from $before to $after breaks: $breaking', ({ field, before, after, breaking }) => {
  const old = { ...PLAIN, [field]: before } as unknown as Parameter
  const now = { ...PLAIN, [field]: after } as unknown as Parameter
  expect(compareParameters([old], [now]).breaking.length > 0).toBe(breaking)
})
