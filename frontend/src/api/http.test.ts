import { expect, test } from 'vitest'
import { parseError, url } from './http'

test('both dialects of errors give message and fields', () => {
  const ours = parseError(422, { error: { kind: 'invalid', message: 'no', details: [{ field: 'steps[0].name', message: 'bad' }] } }, 'x')
  expect([ours.message, ours.details]).toEqual(['no', [{ field: 'steps[0].name', message: 'bad' }]])
  const theirs = parseError(400, { message: { path: ['has already been taken'] } }, 'x')
  expect([theirs.message, theirs.details[0]?.field]).toEqual(['path has already been taken', 'path'])
  expect(parseError(404, { message: '404 Project Not Found' }, 'x').message).toBe('Project Not Found')
  expect(parseError(400, { error: 'invalid_grant', error_description: 'expired' }, 'x').message).toBe('expired')
  expect(parseError(500, 'oops', 'fallback').message).toBe('fallback')
})

test('addresses leave out what is not given', () => {
  expect(url('/api/v1/x', { a: 1, b: undefined, c: '', d: 'a b&c', e: false })).toBe('/api/v1/x?a=1&d=a+b%26c&e=false')
})
