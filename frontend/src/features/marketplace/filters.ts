/** What the marketplace is narrowed by: from the address to the API's query, and one change at a time. */
import type { MarketQuery } from '@/api/management'
import type { FacetCount } from '@/api/types'

export const FACETS = [
  { key: 'kind', title: 'Kind' },
  { key: 'input_type', title: 'Data in' },
  { key: 'output_type', title: 'Data out' },
  { key: 'model_type', title: 'Task' },
  { key: 'ml_category', title: 'Learning' },
  { key: 'environment', title: 'Environment' },
  { key: 'framework', title: 'Framework' },
  { key: 'licence', title: 'Licence' },
  { key: 'tag', title: 'Tag' },
  { key: 'owner', title: 'Owner' },
] as const

export type FacetKey = (typeof FACETS)[number]['key']
export type Chosen = Partial<Record<FacetKey, string[]>>
export type Sort = 'relevance' | 'recent' | 'usage' | 'stars' | 'name'
export type Tab = 'all' | 'recent' | 'mine' | 'starred'
export type MarketSearch = Chosen & { search?: string; verified?: boolean; min_stars?: number; sort?: Sort; tab?: Tab; page?: number }

export const PER_PAGE = 24
const TABS = new Set<unknown>(['recent', 'mine', 'starred'])
const SORTS = new Set<unknown>(['relevance', 'recent', 'usage', 'stars', 'name'])

/** Whatever an address holds, as a search; what makes no sense is left out. */
export function readSearch(given: Record<string, unknown>): MarketSearch {
  const chosen: Chosen = {}
  for (const { key } of FACETS) {
    const values = [...new Set([given[key]].flat().filter((one) => one !== undefined && one !== null && one !== '').map(String))]
    if (values.length > 0) chosen[key] = values
  }
  const text = typeof given.search === 'string' || typeof given.search === 'number' ? String(given.search) : ''
  const stars = Number(given.min_stars)
  return {
    ...chosen,
    ...(text ? { search: text } : {}),
    ...(String(given.verified) === 'true' ? { verified: true } : {}),
    ...(stars > 0 ? { min_stars: Math.floor(stars) } : {}),
    ...(SORTS.has(given.sort) ? { sort: given.sort as Sort } : {}),
    ...(TABS.has(given.tab) ? { tab: given.tab as Tab } : {}),
    ...(Number(given.page) > 1 ? { page: Math.floor(Number(given.page)) } : {}),
  }
}

export function sortOf(search: MarketSearch): Sort {
  if (search.tab === 'recent') return 'recent'
  if (search.sort && (search.sort !== 'relevance' || search.search)) return search.sort
  return search.search ? 'relevance' : 'usage'
}

/** The query for the API. */
export function toQuery(search: MarketSearch): MarketQuery {
  const { tab, sort: _sort, page, ...rest } = search
  return {
    ...rest,
    ...(tab === 'mine' ? { mine: true } : {}),
    ...(tab === 'starred' ? { starred: true } : {}),
    sort: sortOf(search),
    facets: true,
    page: page ?? 1,
    per_page: PER_PAGE,
  }
}

/** One value of a facet on or off; the first page again. */
export function toggled(search: MarketSearch, key: FacetKey, value: string): MarketSearch {
  const now = search[key] ?? []
  const next = now.includes(value) ? now.filter((one) => one !== value) : [...now, value]
  return { ...search, [key]: next.length > 0 ? next : undefined, page: undefined }
}

export type ActiveFilter = { key: FacetKey | 'verified' | 'min_stars'; title: string; value: string }

export function activeFilters(search: MarketSearch): ActiveFilter[] {
  return [
    ...(search.verified ? [{ key: 'verified', title: 'Verified', value: 'yes' } as const] : []),
    ...(search.min_stars ? [{ key: 'min_stars', title: 'Stars', value: `at least ${search.min_stars}` } as const] : []),
    ...FACETS.flatMap(({ key, title }) => (search[key] ?? []).map((value) => ({ key, title, value }))),
  ]
}

export function without(search: MarketSearch, filter: ActiveFilter): MarketSearch {
  if (filter.key === 'verified' || filter.key === 'min_stars') return { ...search, [filter.key]: undefined, page: undefined }
  return toggled(search, filter.key, filter.value)
}

/** Without any filter; what is searched for, and where, stays. */
export function cleared({ search, tab, sort }: MarketSearch): MarketSearch {
  return { search, tab, sort }
}

/** The values of a facet to show: the chosen ones are never lost, even when nothing is left of them. */
export function shownValues(counts: FacetCount[], chosen: string[]): FacetCount[] {
  const known = new Set(counts.map((one) => one.value))
  return [...counts, ...chosen.filter((value) => !known.has(value)).map((value) => ({ value, count: 0 }))]
}
