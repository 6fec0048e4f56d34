/** Every publication of a project, whoever or whatever started it. */
import { Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { GitCommitHorizontal, History, RotateCcw, Tag, User } from 'lucide-react'
import * as management from '@/api/management'
import type { Publication } from '@/api/types'
import { Pager } from '@/components/pager'
import { useProject } from '@/components/project-context'
import { TimeAgo } from '@/components/small'
import { Empty, QueryView } from '@/components/states'
import { StatusBadge } from '@/components/status-badge'
import { TRIGGERS } from './phases'
import { TagSwitch } from './tag-switch'

const PER_PAGE = 20
const ICONS: Record<string, typeof User> = { user: User, tag: Tag, republish: RotateCcw }

export function PublicationList() {
  const { project } = useProject()
  const { page = 1 } = useSearch({ from: '/$ns/$slug/-/processors' })
  const navigate = useNavigate({ from: '/$ns/$slug/-/processors' })
  const query = useQuery({
    queryKey: ['publications', project.id, page],
    queryFn: () => management.listPublications(project.id, { page, per_page: PER_PAGE }),
    refetchInterval: ({ state }) => (state.data?.items.some((one) => one.status === 'pending' || one.status === 'running') ? 2000 : false),
  })
  return (
    <>
    <TagSwitch />
    <QueryView
      query={query}
      isEmpty={(found) => found.items.length === 0}
      empty={<Empty title="Nothing was published yet" icon={<History size={26} />}>Publications by hand appear here, and those that a tag such as v1.2.0 started.</Empty>}
    >
      {(found) => (
        <>
          <div className="panel rows">{found.items.map((one) => <Row key={one.id} of={one} />)}</div>
          <Pager total={found.total} page={page} perPage={PER_PAGE} onChange={(next) => void navigate({ search: (old) => ({ ...old, page: next }) })} />
        </>
      )}
    </QueryView>
    </>
  )
}

function Row({ of }: { of: Publication }) {
  const { params } = useProject()
  const Icon = ICONS[of.trigger ?? 'user'] ?? User
  return (
    <Link to="/$ns/$slug/-/publications/$publicationId" params={{ ...params, publicationId: of.id }}>
      <div className="grow">
        <Group gap={8}><StatusBadge status={of.status} /><Text span fw={600} className="cut">{of.name}</Text><span className="id nowrap">{of.version ?? '–'}</span></Group>
        <Text size="xs" mt={3} c={of.status === 'failed' ? 'var(--mantine-color-error)' : 'dimmed'} lineClamp={2}>
          {of.status === 'failed' ? (of.reason ?? 'failed').split('\n')[0] : `${of.entry ?? ''} on ${of.environment ?? ''}`}
        </Text>
      </div>
      <div className="meta">
        <span className="cut" title={`${of.ref} ${of.commit}`}><GitCommitHorizontal size={13} aria-hidden className="inline-icon" /> {of.ref} {of.commit?.slice(0, 8)}</span>
        <span><Icon size={13} aria-hidden className="inline-icon" /> {of.trigger && of.trigger !== 'user' ? TRIGGERS[of.trigger] : (of.created_by?.username ?? '')}, <TimeAgo at={of.created_at} /></span>
      </div>
    </Link>
  )
}
