/** Experiments side by side: parameters, best metrics, curves laid over each other. */
import { Switch, Table, Text, Title } from '@mantine/core'
import { useQueries, useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import type { Comparison } from '@/api/types'
import { COLOURS } from '@/components/curve-chart'
import { LinkAnchor, LinkButton } from '@/components/links'
import { MetricCharts } from '@/components/metric-charts'
import { useProject } from '@/components/project-context'
import { PageHead } from '@/components/small'
import { Empty, QueryView } from '@/components/states'
import { StatusBadge } from '@/components/status-badge'
import { formatNumber, formatValue } from '@/lib/format'
import { bestOf } from '@/lib/metrics'
import { comparisonQuery, curvesQuery, isLive } from './api/queries'

export function ComparePage() {
  const { params } = useProject()
  const { ids } = useSearch({ from: '/$ns/$slug/-/experiments/compare' })
  const list = ids.split(',').filter(Boolean)
  const query = useQuery(comparisonQuery(list))
  const back = <LinkButton to="/$ns/$slug/-/experiments" params={params} variant="default">All experiments</LinkButton>
  if (list.length < 2) return <Empty title="Nothing to compare" action={back}>Choose two or more experiments in the list.</Empty>
  return (
    <>
      <PageHead title={`Comparison of ${list.length} experiments`}>{back}</PageHead>
      <QueryView query={query} skeleton="page">{(found) => <View comparison={found} />}</QueryView>
    </>
  )
}

function View({ comparison }: { comparison: Comparison }) {
  const { experiments } = comparison
  const curves = useQueries({ queries: experiments.map((experiment) => curvesQuery(experiment.id, isLive(experiment))) })
  const sources = experiments.map((experiment, index) => ({
    label: `#${experiment.number} ${experiment.name}`,
    colour: COLOURS[index % COLOURS.length],
    curves: curves[index]?.data ?? {},
  }))
  return (
    <>
      <Tables comparison={comparison} />
      <Title order={2} size="h4" mt="xl" mb="sm">Curves</Title>
      <MetricCharts sources={sources} waiting={experiments.some(isLive)} />
    </>
  )
}

function Tables({ comparison }: { comparison: Comparison }) {
  const { params } = useProject()
  const [onlyDifferent, setOnlyDifferent] = useState(true)
  const { experiments } = comparison
  const parameters = comparison.parameters.filter((row) => row.differs || !onlyDifferent)
  return (
    <>
      <Switch mb="sm" label="Only parameters that differ" checked={onlyDifferent} onChange={(event) => setOnlyDifferent(event.currentTarget.checked)} />
      <div className="panel scroll-x">
        <Table style={{ minWidth: 200 + experiments.length * 160 }}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={200}>Experiment</Table.Th>
              {experiments.map((experiment, index) => (
                <Table.Th key={experiment.id}>
                  <span style={{ display: 'inline-block', width: 10, height: 10, borderRadius: 3, background: COLOURS[index % COLOURS.length], marginRight: 6 }} />
                  <LinkAnchor to="/$ns/$slug/-/experiments/$experimentId" params={{ ...params, experimentId: experiment.id }}>#{experiment.number} {experiment.name}</LinkAnchor>
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            <Table.Tr><Table.Td>State</Table.Td>{experiments.map((experiment) => <Table.Td key={experiment.id}><StatusBadge status={experiment.status} /></Table.Td>)}</Table.Tr>
            {comparison.metrics.map((row) => {
              const values = row.values.map(lastOf)
              const best = bestOf(row.name, values)
              return (
                <Table.Tr key={`m:${row.name}`}>
                  <Table.Td><strong>{row.name}</strong></Table.Td>
                  {values.map((value, index) => <Table.Td key={index} className={best.has(index) ? 'best' : undefined}>{formatNumber(value)}{best.has(index) && <Text span size="xs"> best</Text>}</Table.Td>)}
                </Table.Tr>
              )
            })}
            {parameters.map((row) => (
              <Table.Tr key={`p:${row.name}`}>
                <Table.Td>{row.name}</Table.Td>
                {row.values.map((value, index) => <Table.Td key={index} className={row.differs ? 'differs' : undefined}><code>{formatValue(value)}</code></Table.Td>)}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        {parameters.length === 0 && <Text size="sm" c="dimmed" p="md">All parameters are the same.</Text>}
      </div>
    </>
  )
}

function lastOf(value: Comparison['metrics'][number]['values'][number]): number | null {
  return typeof value === 'number' ? value : (value?.last ?? null)
}
