/** All runs of a project: newest first, filtered by kind and state. */
import { Group, Menu, Button, Select, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { ChevronDown, Plus, Workflow } from 'lucide-react'
import { runsQuery } from '@/api/queries/runs'
import type { Run, RunKind, RunStatus } from '@/api/types'
import { LinkAnchor } from '@/components/links'
import { Pager } from '@/components/pager'
import { useProject } from '@/components/project-context'
import { PageHead, TimeAgo } from '@/components/small'
import { Empty, QueryView } from '@/components/states'
import { Chip, StatusBadge } from '@/components/status-badge'
import { formatDuration } from '@/lib/format'

const PER_PAGE = 30
const STATUSES: RunStatus[] = ['queued', 'running', 'finishing', 'success', 'failed', 'canceled']
const KINDS: { value: RunKind; label: string }[] = [
  { value: 'dataops', label: 'Data pipelines' },
  { value: 'experiment', label: 'Experiments' },
  { value: 'visualization', label: 'Visualizations' },
]

export function RunsPage() {
  const { project, level } = useProject()
  const search = useSearch({ from: '/$ns/$slug/-/runs' })
  const navigate = useNavigate({ from: '/$ns/$slug/-/runs' })
  const page = search.page ?? 1
  const kind = KINDS.find((entry) => entry.value === search.kind)?.value
  const status = STATUSES.find((entry) => entry === search.status)
  const query = useQuery(runsQuery(project.id, { kind, status, page, per_page: PER_PAGE }))
  const filtered = Boolean(kind || status)
  return (
    <>
      <PageHead title="Pipelines" note="Everything that ran on this project's data">{level >= 30 && <NewMenu />}</PageHead>
      <Group mb="sm">
        <Select aria-label="Kind" placeholder="All kinds" clearable data={KINDS} value={kind ?? null} onChange={(next) => void navigate({ search: (old) => ({ ...old, kind: next ?? undefined, page: undefined }) })} w={180} />
        <Select aria-label="State" placeholder="All states" clearable data={STATUSES} value={status ?? null} onChange={(next) => void navigate({ search: (old) => ({ ...old, status: next ?? undefined, page: undefined }) })} w={160} />
      </Group>
      <QueryView
        query={query}
        isEmpty={(found) => found.items.length === 0}
        empty={<Empty title={filtered ? 'No run matches' : 'Nothing has run yet'} icon={<Workflow size={26} />} action={!filtered && level >= 30 && <NewMenu />}>{filtered ? 'Choose another kind or state.' : 'Chain operations into a new dataset, train an algorithm, or draw the data.'}</Empty>}
      >
        {(found) => (
          <>
            <RunTable runs={found.items} />
            <Pager total={found.total} page={page} perPage={PER_PAGE} onChange={(next) => void navigate({ search: (old) => ({ ...old, page: next }) })} />
          </>
        )}
      </QueryView>
    </>
  )
}

function RunTable({ runs }: { runs: Run[] }) {
  const { params } = useProject()
  return (
    <div className="panel scroll-x">
      <Table className="table-wide" highlightOnHover>
        <Table.Thead>
          <Table.Tr><Table.Th>State</Table.Th><Table.Th>Run</Table.Th><Table.Th>Kind</Table.Th><Table.Th>Steps</Table.Th><Table.Th>By</Table.Th><Table.Th>Started</Table.Th><Table.Th className="num">Duration</Table.Th></Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {runs.map((run) => (
            <Table.Tr key={run.id}>
              <Table.Td><StatusBadge status={run.status} /></Table.Td>
              <Table.Td>
                <LinkAnchor to="/$ns/$slug/-/runs/$runId" params={{ ...params, runId: run.id }} fw={600}>{run.name}</LinkAnchor> <Text span size="sm" c="dimmed">#{run.number}</Text>
                {run.status === 'failed' && run.reason && <Text size="xs" c="dimmed" lineClamp={1}>{run.reason}</Text>}
              </Table.Td>
              <Table.Td>{run.kind}</Table.Td>
              <Table.Td className="nowrap">{run.steps?.length ?? run.definition.steps.length} {run.cached_steps > 0 && <Chip tone="good">{run.cached_steps} cached</Chip>}</Table.Td>
              <Table.Td>{run.created_by?.username ?? '–'}</Table.Td>
              <Table.Td className="nowrap"><TimeAgo at={run.created_at} /></Table.Td>
              <Table.Td className="num nowrap">{formatDuration(elapsed(run))}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  )
}

export function elapsed(run: Run): number | null {
  const begin = Date.parse(run.started_at ?? run.created_at)
  const end = run.finished_at ? Date.parse(run.finished_at) : Date.now()
  return Number.isNaN(begin) ? null : Math.max(0, (end - begin) / 1000)
}

function NewMenu() {
  const { params } = useProject()
  const to = '/$ns/$slug/-/runs/new'
  return (
    <Menu position="bottom-end">
      <Menu.Target><Button leftSection={<Plus size={16} />} rightSection={<ChevronDown size={14} />}>New</Button></Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component={Link} to={to} params={params as never} search={{ kind: 'dataops' } as never}>Data pipeline</Menu.Item>
        <Menu.Item component={Link} to={to} params={params as never} search={{ kind: 'experiment' } as never}>Experiment</Menu.Item>
        <Menu.Item component={Link} to={to} params={params as never} search={{ kind: 'visualization' } as never}>Visualization</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
