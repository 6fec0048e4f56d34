/** Every processor one may use: searched, narrowed by facets, sorted; all of it in the address. */
import { Button, Drawer, Group, Select, Tabs, Text, TextInput } from '@mantine/core'
import { useDebouncedCallback, useDisclosure, useMediaQuery } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Search, SlidersHorizontal, X } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { processorsQuery } from '@/api/queries/processors'
import { useSession } from '@/api/queries/session'
import type { Market } from '@/api/types'
import { LinkButton } from '@/components/links'
import { Pager } from '@/components/pager'
import { ProcessorCard } from '@/components/processor-card'
import { PageHead } from '@/components/small'
import { Empty, QueryView } from '@/components/states'
import { plural } from '@/lib/format'
import { FacetColumn } from './facet-column'
import { activeFilters, cleared, PER_PAGE, readSearch, sortOf, toQuery, without, type MarketSearch, type Sort, type Tab } from './filters'

const SORTS = [
  { value: 'relevance', label: 'Best match' },
  { value: 'usage', label: 'Most used' },
  { value: 'stars', label: 'Most stars' },
  { value: 'recent', label: 'Newest' },
  { value: 'name', label: 'Name' },
]

export function MarketplacePage() {
  const search = useSearch({ from: '/wide/marketplace' })
  const navigate = useNavigate({ from: '/marketplace' })
  const session = useSession()
  const narrow = useMediaQuery('(max-width: 860px)') ?? false
  const [drawer, { open, close }] = useDisclosure(false)
  const query = useQuery(processorsQuery(toQuery(search)))
  const go = (next: MarketSearch, replace = false) => void navigate({ search: next, replace, resetScroll: false })
  const filters = activeFilters(search)
  const facets = <FacetColumn search={search} facets={query.data?.facets} onChange={go} />
  return (
    <div>
      <PageHead title="Marketplace" note="Operations, algorithms and visualizations, published from code projects">
        <LinkButton to="/environments" variant="default" size="compact-sm">Environments</LinkButton>
      </PageHead>
      <Tabs value={search.tab ?? 'all'} onChange={(tab) => go({ ...search, tab: tab === 'all' ? undefined : (tab as Tab), page: undefined })} mb="md" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="all">Explore</Tabs.Tab>
          <Tabs.Tab value="recent">Recent</Tabs.Tab>
          {session.data && <Tabs.Tab value="mine">Mine</Tabs.Tab>}
          {session.data && <Tabs.Tab value="starred">Starred</Tabs.Tab>}
        </Tabs.List>
      </Tabs>
      <div className="market">
        {!narrow && <aside aria-label="Filters" className="facets">{facets}</aside>}
        <div style={{ minWidth: 0 }}>
          <Group mb="sm" gap="sm">
            <SearchBox text={search.search ?? ''} onFind={(text) => go({ ...search, search: text || undefined, page: undefined }, true)} />
            {narrow && (
              <Button variant="default" leftSection={<SlidersHorizontal size={16} />} onClick={open} aria-haspopup="dialog">
                Filters{filters.length > 0 ? ` (${filters.length})` : ''}
              </Button>
            )}
            {search.tab !== 'recent' && (
              <Select
                aria-label="Sort by"
                w={150}
                data={SORTS.filter((entry) => entry.value !== 'relevance' || search.search)}
                value={sortOf(search)}
                allowDeselect={false}
                onChange={(sort) => go({ ...search, sort: (sort as Sort | null) ?? undefined, page: undefined })}
              />
            )}
          </Group>
          <Chips search={search} onChange={go} />
          <QueryView query={query} skeleton="cards" isEmpty={(found) => found.items.length === 0} empty={<Nothing search={search} onClear={() => go(cleared(search))} />}>
            {(found) => <Found found={found} search={search} waiting={query.isPlaceholderData} onPage={(page) => void navigate({ search: { ...search, page } })} />}
          </QueryView>
        </div>
      </div>
      <Drawer opened={narrow && drawer} onClose={close} title="Filters" size={320} closeButtonProps={{ 'aria-label': 'Close' }}>
        <div className="facets">{facets}</div>
        <Button fullWidth mt="md" onClick={close}>Show {plural(query.data?.total ?? 0, 'processor')}</Button>
      </Drawer>
    </div>
  )
}

/** Follows the address when it changes elsewhere, and never disturbs whoever is typing. */
function SearchBox({ text, onFind }: { text: string; onFind: (text: string) => void }) {
  const input = useRef<HTMLInputElement>(null)
  const find = useDebouncedCallback((wanted: string) => {
    // Whoever has already chosen a processor is not brought back by the last letters typed.
    if (window.location.pathname.endsWith('/marketplace')) onFind(wanted)
  }, 250)
  useEffect(() => {
    if (input.current && input.current !== document.activeElement) input.current.value = text
  }, [text])
  return (
    <TextInput
      ref={input}
      flex="1 1 220px"
      type="search"
      aria-label="Search processors"
      placeholder="Search titles, descriptions, parameters, tags"
      leftSection={<Search size={16} />}
      defaultValue={text}
      onChange={(event) => find(event.currentTarget.value.trim())}
    />
  )
}

function Chips({ search, onChange }: { search: MarketSearch; onChange: (next: MarketSearch) => void }) {
  const filters = activeFilters(search)
  if (filters.length === 0) return null
  return (
    <fieldset aria-label="Active filters"><Group gap={6} mb="md">
      {filters.map((filter) => (
        <button key={`${filter.key}=${filter.value}`} type="button" className="active-chip" aria-label={`Remove the filter ${filter.title}: ${filter.value}`} onClick={() => onChange(without(search, filter))}>
          <span className="cut">{filter.title}: <strong>{filter.value}</strong></span><X size={14} aria-hidden style={{ flex: 'none' }} />
        </button>
      ))}
      <Button variant="subtle" size="compact-sm" onClick={() => onChange(cleared(search))}>Clear all</Button>
    </Group></fieldset>
  )
}

type FoundProps = { found: Market; search: MarketSearch; waiting: boolean; onPage: (page: number) => void }

function Found({ found, search, waiting, onPage }: FoundProps) {
  const page = search.page ?? 1
  return (
    <div aria-busy={waiting} style={{ opacity: waiting ? 0.6 : 1 }}>
      <Text size="sm" c="dimmed" mb="sm" component="output" display="block">{plural(found.total, 'processor')}{search.search ? ` for “${search.search}”` : ''}</Text>
      <div className="card-grid">{found.items.map((processor) => <ProcessorCard key={processor.id} processor={processor} />)}</div>
      <Pager total={found.total} page={page} perPage={PER_PAGE} onChange={onPage} />
    </div>
  )
}

const NOTHING: Record<Tab, { title: string; text: string }> = {
  all: { title: 'No processors yet', text: 'Publish the first one: open a code project and choose Processors.' },
  recent: { title: 'No processors yet', text: 'Publish the first one: open a code project and choose Processors.' },
  mine: { title: 'You have published nothing yet', text: 'Open one of your code projects and choose Processors.' },
  starred: { title: 'Nothing starred', text: 'Star a code project, and its processors appear here.' },
}

function Nothing({ search, onClear }: { search: MarketSearch; onClear: () => void }) {
  const narrowed = activeFilters(search).length > 0
  if (search.search || narrowed) {
    return (
      <Empty title="No processor fits" icon={<Search size={26} />} action={narrowed ? <Button variant="default" onClick={onClear}>Clear the filters</Button> : undefined}>
        {narrowed ? 'Try fewer filters or other words.' : 'Try other or fewer words.'}
      </Empty>
    )
  }
  const { title, text } = NOTHING[readSearch(search).tab ?? 'all']
  return <Empty title={title}>{text}</Empty>
}
