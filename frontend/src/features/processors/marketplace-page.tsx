/** Every processor one may use: searched, filtered by kind, sorted; all of it in the address. */
import { Group, SegmentedControl, Select, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Search } from 'lucide-react'
import { processorsQuery } from '@/api/queries/processors'
import { Pager } from '@/components/pager'
import { PageHead } from '@/components/small'
import { Empty, QueryView } from '@/components/states'
import { ProcessorCard } from './processor-card'

const PER_PAGE = 24
const KINDS = [
  { value: '', label: 'All' },
  { value: 'operation', label: 'Operations' },
  { value: 'algorithm', label: 'Algorithms' },
  { value: 'visualization', label: 'Visualizations' },
]
const SORTS = [
  { value: 'recent', label: 'Newest' },
  { value: 'usage', label: 'Most used' },
  { value: 'stars', label: 'Most starred' },
  { value: 'name', label: 'Name' },
]

export function MarketplacePage() {
  const search = useSearch({ from: '/plain/marketplace' })
  const navigate = useNavigate({ from: '/marketplace' })
  const page = search.page ?? 1
  const sort = search.sort ?? 'recent'
  const query = useQuery(processorsQuery({ search: search.search, kind: search.kind, sort, page, per_page: PER_PAGE }))
  const find = useDebouncedCallback((text: string) => {
    void navigate({ search: (old) => ({ ...old, search: text || undefined, page: undefined }), replace: true })
  }, 250)
  return (
    <div>
      <PageHead title="Marketplace" note="Operations, algorithms and visualizations, published from code projects" />
      <Group mb="md">
        <TextInput flex={1} maw={420} aria-label="Search processors" placeholder="Search processors" leftSection={<Search size={16} />} defaultValue={search.search} onChange={(event) => find(event.currentTarget.value)} />
        <SegmentedControl aria-label="Kind" data={KINDS} value={search.kind ?? ''} onChange={(kind) => void navigate({ search: (old) => ({ ...old, kind: kind || undefined, page: undefined }) })} />
        <Select aria-label="Sort by" w={150} data={SORTS} value={sort} allowDeselect={false} onChange={(next) => void navigate({ search: (old) => ({ ...old, sort: next ?? undefined }) })} />
      </Group>
      <QueryView
        query={query}
        skeleton="cards"
        isEmpty={(found) => found.items.length === 0}
        empty={<Empty title="No processors found">{search.search || search.kind ? 'Try fewer words or another kind.' : 'Publish the first one: open a code project and choose Processors.'}</Empty>}
      >
        {(found) => (
          <>
            <div className="card-grid">{found.items.map((processor) => <ProcessorCard key={processor.id} processor={processor} />)}</div>
            <Pager total={found.total} page={page} perPage={PER_PAGE} onChange={(next) => void navigate({ search: (old) => ({ ...old, page: next }) })} />
          </>
        )}
      </QueryView>
    </div>
  )
}
