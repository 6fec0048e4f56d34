/** Experiments as a table with a column for each metric and parameter; two or more chosen are compared. */
import { Button, Checkbox, Group, MultiSelect, Table, Text, VisuallyHidden } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { FlaskConical, GitCompareArrows, Plus } from 'lucide-react'
import { useState } from 'react'
import type { Experiment } from '@/api/types'
import { LinkAnchor, LinkButton } from '@/components/links'
import { Pager } from '@/components/pager'
import { useProject } from '@/components/project-context'
import { PageHead, TimeAgo } from '@/components/small'
import { Empty, QueryView } from '@/components/states'
import { StatusBadge } from '@/components/status-badge'
import { formatDuration, formatNumber, formatValue } from '@/lib/format'
import { experimentsQuery } from './api/queries'
import { columnsOf, direction, SortButton } from './columns'

const PER_PAGE = 50

export function ExperimentsPage() {
  const { project, params, level } = useProject()
  const { sort, page = 1 } = useSearch({ from: '/$ns/$slug/-/experiments' })
  const navigate = useNavigate({ from: '/$ns/$slug/-/experiments' })
  const [chosen, setChosen] = useState<string[]>([])
  const query = useQuery(experimentsQuery(project.id, { sort, page, per_page: PER_PAGE }))
  const start = level >= 30 && (
    <LinkButton to="/$ns/$slug/-/runs/new" params={params} search={{ kind: 'experiment' }} leftSection={<Plus size={16} />}>New experiment</LinkButton>
  )
  return (
    <>
      <PageHead title="Experiments">
        <Button
          variant="default"
          leftSection={<GitCompareArrows size={16} />}
          disabled={chosen.length < 2}
          onClick={() => void navigate({ to: '/$ns/$slug/-/experiments/compare', params, search: { ids: chosen.join(',') } })}
        >
          Compare{chosen.length > 0 ? ` (${chosen.length})` : ''}
        </Button>
        {start}
      </PageHead>
      <QueryView
        query={query}
        isEmpty={(found) => found.items.length === 0}
        empty={<Empty title="No experiments yet" icon={<FlaskConical size={26} />} action={start}>Choose an algorithm, the data to learn from and its parameters; curves and results appear here.</Empty>}
      >
        {(found) => (
          <>
            <ExperimentTable experiments={found.items} chosen={chosen} onChoose={setChosen} sort={sort} onSort={(next) => void navigate({ search: (old) => ({ ...old, sort: next }) })} />
            <Pager total={found.total} page={page} perPage={PER_PAGE} onChange={(next) => void navigate({ search: (old) => ({ ...old, page: next }) })} />
          </>
        )}
      </QueryView>
    </>
  )
}

type TableProps = { experiments: Experiment[]; chosen: string[]; onChoose: (ids: string[]) => void; sort: string | undefined; onSort: (sort: string | undefined) => void }

function ExperimentTable({ experiments, chosen, onChoose, sort, onSort }: TableProps) {
  const { params } = useProject()
  const all = columnsOf(experiments)
  const [picked, setPicked] = useState<string[] | null>(null)
  const shown = all.filter((column) => (picked ?? all.slice(0, 8).map((entry) => entry.key)).includes(column.key))
  const toggle = (id: string) => onChoose(chosen.includes(id) ? chosen.filter((entry) => entry !== id) : [...chosen, id])
  const head = (key: string, label: string) => <SortButton label={label} column={key} sort={sort} onSort={onSort} />
  return (
    <>
      <MultiSelect mb="sm" size="xs" aria-label="Columns" placeholder={shown.length === 0 ? 'Columns' : undefined} data={all.map((column) => ({ value: column.key, label: column.label }))} value={shown.map((column) => column.key)} onChange={setPicked} searchable clearable maw={760} />
      <div className="panel scroll-x">
        <Table highlightOnHover style={{ minWidth: 560 + shown.length * 96 }}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={36}><VisuallyHidden>Choose</VisuallyHidden></Table.Th>
              <Table.Th>{head('number', 'Experiment')}</Table.Th>
              <Table.Th>State</Table.Th>
              {shown.map((column) => <Table.Th key={column.key} className={column.kind === 'metric' ? 'num' : undefined} aria-sort={direction(column.key, sort)}>{head(column.key, column.label)}</Table.Th>)}
              <Table.Th>{head('created_at', 'Started')}</Table.Th>
              <Table.Th className="num">{head('duration', 'Duration')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {experiments.map((experiment) => (
              <Table.Tr key={experiment.id} bg={chosen.includes(experiment.id) ? 'var(--accent-soft)' : undefined}>
                <Table.Td><Checkbox aria-label={`Choose experiment ${experiment.number}`} checked={chosen.includes(experiment.id)} onChange={() => toggle(experiment.id)} /></Table.Td>
                <Table.Td>
                  <LinkAnchor to="/$ns/$slug/-/experiments/$experimentId" params={{ ...params, experimentId: experiment.id }} fw={600}>{experiment.name}</LinkAnchor> <Text span size="sm" c="dimmed">#{experiment.number}</Text>
                </Table.Td>
                <Table.Td><StatusBadge status={experiment.status} /></Table.Td>
                {shown.map((column) => <Table.Td key={column.key} className={column.kind === 'metric' ? 'num' : undefined}>{column.kind === 'metric' ? formatNumber(experiment.metrics[column.name]?.last) : <code>{formatValue(experiment.parameters[column.name])}</code>}</Table.Td>)}
                <Table.Td className="nowrap"><TimeAgo at={experiment.created_at} /></Table.Td>
                <Table.Td className="num nowrap">{formatDuration(experiment.duration_s)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </div>
      <Group mt="xs"><Text size="xs" c="dimmed">Choose two or more experiments to compare them.</Text></Group>
    </>
  )
}
