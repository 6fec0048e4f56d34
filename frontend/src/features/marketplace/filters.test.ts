import { expect, test } from 'vitest'
import { activeFilters, cleared, readSearch, shownValues, sortOf, toggled, toQuery, without } from './filters'

test('an address with one or several values of a filter is read, nonsense is left out', () => {
  expect(readSearch({ kind: 'operation', tag: ['a', 'b', 'a'], page: '0', tab: 'nowhere', sort: 'by-moon', min_stars: 'x', verified: 'true' })).toEqual({
    kind: ['operation'], tag: ['a', 'b'], verified: true,
  })
  expect(readSearch({ search: 2024, page: '3', tab: 'mine' })).toEqual({ search: '2024', page: 3, tab: 'mine' })
})

test('the query says what the address says', () => {
  expect(toQuery({ search: 'crop', kind: ['operation'], tab: 'starred', page: 2 })).toEqual({
    search: 'crop', kind: ['operation'], starred: true, sort: 'relevance', facets: true, page: 2, per_page: 24,
  })
})

test('relevance is only there when something is searched for', () => {
  expect([sortOf({}), sortOf({ sort: 'relevance' }), sortOf({ search: 'x' }), sortOf({ search: 'x', sort: 'name' }), sortOf({ tab: 'recent', sort: 'name' })])
    .toEqual(['usage', 'usage', 'relevance', 'name', 'recent'])
})

test('values go on and off, and the first page comes back', () => {
  const on = toggled({ page: 4 }, 'kind', 'operation')
  expect(on).toEqual({ kind: ['operation'], page: undefined })
  expect(toggled(on, 'kind', 'operation').kind).toBeUndefined()
})

test('chips take away what they name', () => {
  const search = { verified: true, min_stars: 3, tag: ['a', 'b'] }
  expect(activeFilters(search).map((one) => `${one.title}: ${one.value}`)).toEqual(['Verified: yes', 'Stars: at least 3', 'Tag: a', 'Tag: b'])
  const chips = activeFilters(search)
  expect(without(search, chips[2] as (typeof chips)[number]).tag).toEqual(['b'])
  expect(without(search, chips[0] as (typeof chips)[number]).verified).toBeUndefined()
  expect(cleared({ search: 'x', tab: 'mine', tag: ['a'], page: 3 })).toEqual({ search: 'x', tab: 'mine', sort: undefined })
})

test('a chosen value stays in its facet when nothing is left of it', () => {
  expect(shownValues([{ value: 'a', count: 2 }], ['b'])).toEqual([{ value: 'a', count: 2 }, { value: 'b', count: 0 }])
})
