/** What was computed: one row for each job, as the ledger has it. */
import { Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { ChartNoAxesColumn } from 'lucide-react'
import * as management from '@/api/management'
import { Pager } from '@/components/pager'
import { PageHead, TimeAgo } from '@/components/small'
import { Empty, QueryView } from '@/components/states'
import { formatDuration, personName } from '@/lib/format'

const PER_PAGE = 50

export function UsagePage() {
  const { page = 1 } = useSearch({ from: '/plain/account/usage' })
  const navigate = useNavigate({ from: '/account/usage' })
  const query = useQuery({ queryKey: ['usage', page], queryFn: () => management.listUsage({ page, per_page: PER_PAGE }) })
  return (
    <main>
      <PageHead title="Usage" note="Computing time by job; steps from the cache cost nothing and are not listed" />
      <QueryView query={query} isEmpty={(found) => found.items.length === 0} empty={<Empty title="Nothing used yet" icon={<ChartNoAxesColumn size={26} />} />}>
        {(found) => (
          <>
            <Text size="sm" mb="sm">This page: {formatDuration(found.items.reduce((sum, record) => sum + record.seconds, 0))} of computing time</Text>
            <div className="panel scroll-x">
              <Table className="table-wide">
                <Table.Thead><Table.Tr><Table.Th>Job</Table.Th><Table.Th>Project</Table.Th><Table.Th>User</Table.Th><Table.Th>Machine</Table.Th><Table.Th>Finished</Table.Th><Table.Th className="num">Time</Table.Th></Table.Tr></Table.Thead>
                <Table.Tbody>
                  {found.items.map((record) => (
                    <Table.Tr key={record.job_id}>
                      <Table.Td>{(record as { job_name?: string }).job_name ?? ''} <Text span c="dimmed" size="sm">{record.job_id}</Text></Table.Td>
                      <Table.Td>{(record as { project_path?: string }).project_path ?? record.project_id}</Table.Td>
                      <Table.Td>{personName(record.user ?? (record as { username?: string }).username)}</Table.Td>
                      <Table.Td>{record.machine_class}</Table.Td>
                      <Table.Td className="nowrap"><TimeAgo at={record.finished_at ?? record.started_at} /></Table.Td>
                      <Table.Td className="num nowrap">{formatDuration(record.seconds)}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </div>
            <Pager total={found.total} page={page} perPage={PER_PAGE} onChange={(next) => void navigate({ search: { page: next } })} />
          </>
        )}
      </QueryView>
    </main>
  )
}
