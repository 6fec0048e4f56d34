/** Datasets that data pipelines made. */
import { Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Database, Plus } from 'lucide-react'
import * as management from '@/api/management'
import { LinkAnchor, LinkButton } from '@/components/links'
import { Pager } from '@/components/pager'
import { useProject } from '@/components/project-context'
import { Id, PageHead, TimeAgo } from '@/components/small'
import { Empty, QueryView } from '@/components/states'
import { formatBytes } from '@/lib/format'

const PER_PAGE = 30

export function DatasetsPage() {
  const { project, params, level } = useProject()
  const { page = 1 } = useSearch({ from: '/$ns/$slug/-/datasets' })
  const navigate = useNavigate({ from: '/$ns/$slug/-/datasets' })
  const query = useQuery({ queryKey: ['datasets', project.id, page], queryFn: () => management.listDatasets(project.id, { page, per_page: PER_PAGE }) })
  const start = level >= 30 && <LinkButton to="/$ns/$slug/-/runs/new" params={params} search={{ kind: 'dataops' }} leftSection={<Plus size={16} />}>New data pipeline</LinkButton>
  return (
    <>
      <PageHead title="Datasets" note="Results of data pipelines, each on a branch and with its provenance">{start}</PageHead>
      <QueryView query={query} isEmpty={(found) => found.items.length === 0} empty={<Empty title="No datasets yet" icon={<Database size={26} />} action={start}>Chain operations such as augment and crop; the result appears here.</Empty>}>
        {(found) => (
          <>
            <div className="panel scroll-x">
              <Table className="table-wide" highlightOnHover>
                <Table.Thead><Table.Tr><Table.Th>Dataset</Table.Th><Table.Th>Branch</Table.Th><Table.Th>Commit</Table.Th><Table.Th className="num">Files</Table.Th><Table.Th className="num">Size</Table.Th><Table.Th>Made</Table.Th></Table.Tr></Table.Thead>
                <Table.Tbody>
                  {found.items.map((row) => (
                    <Table.Tr key={row.run_id}>
                      <Table.Td><LinkAnchor to="/$ns/$slug/-/datasets/$runId" params={{ ...params, runId: row.run_id }} fw={600}>{row.name}</LinkAnchor> <Text span size="sm" c="dimmed">#{row.number}</Text></Table.Td>
                      <Table.Td>{row.dataset ? <LinkAnchor to="/$ns/$slug/-/tree/$ref/$" params={{ ...params, ref: row.dataset.branch, _splat: row.dataset.path }}>{row.dataset.branch}</LinkAnchor> : '–'}</Table.Td>
                      <Table.Td><Id value={row.dataset?.commit} /></Table.Td>
                      <Table.Td className="num">{row.dataset?.files ?? '–'}</Table.Td>
                      <Table.Td className="num">{formatBytes(row.dataset?.bytes)}</Table.Td>
                      <Table.Td className="nowrap"><TimeAgo at={row.finished_at ?? row.created_at} /></Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </div>
            <Pager total={found.total} page={page} perPage={PER_PAGE} onChange={(next) => void navigate({ search: { page: next } })} />
          </>
        )}
      </QueryView>
    </>
  )
}
