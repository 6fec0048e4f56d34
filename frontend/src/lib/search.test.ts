import { expect, test } from 'vitest'
import { parseSearch, stringifySearch } from './search'

test('what is written is read again', () => {
  const search = { kind: ['operation', 'algorithm'], processor: 'lab/code/learn@^1.2', page: '2', search: 'a & b' }
  expect(stringifySearch(search)).toBe('?kind=operation&kind=algorithm&processor=lab/code/learn@%5E1.2&page=2&search=a+%26+b')
  expect(parseSearch(stringifySearch(search))).toEqual(search)
})

test('nothing leaves no question mark', () => {
  expect(stringifySearch({ page: undefined, tag: [], search: '' })).toBe('')
  expect(parseSearch('')).toEqual({})
})
