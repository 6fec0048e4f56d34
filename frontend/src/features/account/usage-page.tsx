/** What was computed: one row for each job, as the ledger has it. */
import { Select, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { ChartNoAxesColumn } from 'lucide-react'
import * as management from '@/api/management'
import { projectsQuery } from '@/api/queries/projects'
import { Pager } from '@/components/pager'
import { PageHead, TimeAgo } from '@/components/small'
import { Empty, QueryView } from '@/components/states'
import { StatusBadge } from '@/components/status-badge'
import { formatBytes, formatDuration } from '@/lib/format'

const PER_PAGE = 50

export function UsagePage() {
  const { page = 1, project: wanted } = useSearch({ from: '/plain/account/usage' })
  const navigate = useNavigate({ from: '/account/usage' })
  const projects = useQuery(projectsQuery({ membership: true, min_access_level: 40, order_by: 'last_activity_at', per_page: 100 }))
  const project = wanted ?? projects.data?.items[0]?.id
  const query = useQuery({
    queryKey: ['usage', project, page],
    queryFn: () => management.listUsage({ project_id: project ?? 0, page, per_page: PER_PAGE }),
    enabled: project !== undefined,
  })
  if (projects.data && project === undefined) return <Empty title="No usage to show">Maintainers see what their projects use.</Empty>
  return (
    <div>
      <PageHead title="Usage" note="Computing time by job; steps from the cache cost nothing and are not listed">
        <Select aria-label="Project" searchable allowDeselect={false} w={280} value={project === undefined ? null : String(project)} data={projects.data?.items.map((entry) => ({ value: String(entry.id), label: entry.path_with_namespace })) ?? []} onChange={(next) => void navigate({ search: { project: next ? Number(next) : undefined } })} />
      </PageHead>
      <QueryView query={query} isEmpty={(found) => found.items.length === 0} empty={<Empty title="Nothing used yet" icon={<ChartNoAxesColumn size={26} />} />}>
        {(found) => (
          <>
            <Text size="sm" mb="sm">This page: {formatDuration(found.items.reduce((sum, record) => sum + record.seconds, 0))} of computing time</Text>
            <div className="panel scroll-x">
              <Table className="table-wide">
                <Table.Thead><Table.Tr><Table.Th>Job</Table.Th><Table.Th>Outcome</Table.Th><Table.Th>User</Table.Th><Table.Th>Machine</Table.Th><Table.Th>Finished</Table.Th><Table.Th className="num">Memory</Table.Th><Table.Th className="num">Processor time</Table.Th><Table.Th className="num">Time</Table.Th></Table.Tr></Table.Thead>
                <Table.Tbody>
                  {found.items.map((record) => (
                    <Table.Tr key={record.job_id}>
                      <Table.Td>{record.job_name} <Text span c="dimmed" size="sm">{record.job_id}</Text></Table.Td>
                      <Table.Td><StatusBadge status={record.outcome} /></Table.Td>
                      <Table.Td>{record.user.username}</Table.Td>
                      <Table.Td>{record.machine_class}</Table.Td>
                      <Table.Td className="nowrap"><TimeAgo at={record.finished_at ?? record.started_at} /></Table.Td>
                      <Table.Td className="num nowrap">{formatBytes(record.peak_memory_bytes)}</Table.Td>
                      <Table.Td className="num nowrap">{formatDuration(record.cpu_s)}</Table.Td>
                      <Table.Td className="num nowrap">{formatDuration(record.seconds)}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </div>
            <Pager total={found.total} page={page} perPage={PER_PAGE} onChange={(next) => void navigate({ search: (old) => ({ ...old, page: next }) })} />
          </>
        )}
      </QueryView>
    </div>
  )
}
