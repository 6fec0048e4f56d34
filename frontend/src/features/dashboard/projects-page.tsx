/** All projects a person may see: theirs, starred, everyone's; the state of the list is in the address. */
import { Group, Select, Tabs, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Search } from 'lucide-react'
import { projectsQuery } from '@/api/queries/projects'
import { useSession } from '@/api/queries/session'
import { Pager } from '@/components/pager'
import { PageHead } from '@/components/small'
import { Empty, QueryView } from '@/components/states'
import { CreateMenu } from './create-menu'
import { ProjectCard } from './project-card'

const PER_PAGE = 24
const SORTS = [
  { value: 'last_activity_at', label: 'Last updated' },
  { value: 'created_at', label: 'Newest' },
  { value: 'name', label: 'Name' },
  { value: 'star_count', label: 'Stars' },
]

export function ProjectsPage() {
  const session = useSession()
  const search = useSearch({ from: '/plain/projects' })
  const navigate = useNavigate({ from: '/projects' })
  const tab = search.tab ?? (session.data ? 'yours' : 'explore')
  const sort = search.sort ?? 'last_activity_at'
  const page = search.page ?? 1
  const query = useQuery(
    projectsQuery({
      membership: tab === 'yours' || undefined,
      starred: tab === 'starred' || undefined,
      search: search.search,
      order_by: sort,
      sort: sort === 'name' ? 'asc' : 'desc',
      per_page: PER_PAGE,
      page,
    }),
  )
  const find = useDebouncedCallback((text: string) => {
    void navigate({ search: (old) => ({ ...old, search: text || undefined, page: undefined }), replace: true })
  }, 250)
  return (
    <div>
      <PageHead title="Projects">{session.data && <CreateMenu />}</PageHead>
      <Tabs value={tab} onChange={(next) => void navigate({ search: { tab: next ?? undefined } })} mb="md">
        <Tabs.List>
          {session.data && <Tabs.Tab value="yours">Yours</Tabs.Tab>}
          {session.data && <Tabs.Tab value="starred">Starred</Tabs.Tab>}
          <Tabs.Tab value="explore">Explore</Tabs.Tab>
        </Tabs.List>
      </Tabs>
      <Group mb="md">
        <TextInput flex={1} maw={420} aria-label="Search projects by name" placeholder="Search by name" leftSection={<Search size={16} />} defaultValue={search.search} onChange={(event) => find(event.currentTarget.value)} />
        <Select aria-label="Sort by" w={170} data={SORTS} value={sort} allowDeselect={false} onChange={(next) => void navigate({ search: (old) => ({ ...old, sort: next ?? undefined }) })} />
      </Group>
      <QueryView
        query={query}
        skeleton="cards"
        isEmpty={(found) => found.items.length === 0}
        empty={<Empty title="Nothing found">{search.search ? `No project matches “${search.search}”.` : 'There is no project here yet.'}</Empty>}
      >
        {(found) => (
          <>
            <div className="card-grid">{found.items.map((project) => <ProjectCard key={project.id} project={project} />)}</div>
            <Pager total={found.total ?? found.items.length} page={page} perPage={PER_PAGE} onChange={(next) => void navigate({ search: (old) => ({ ...old, page: next }) })} />
          </>
        )}
      </QueryView>
    </div>
  )
}
