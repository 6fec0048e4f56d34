/** One experiment: live curves, parameters, resources, what it learned, and where all of it came from. */
import { Alert, Grid, Group, Table, Tabs, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { RotateCw } from 'lucide-react'
import * as management from '@/api/management'
import type { Experiment } from '@/api/types'
import { LinkButton } from '@/components/links'
import { MetricCharts } from '@/components/metric-charts'
import { useProject } from '@/components/project-context'
import { PageHead, TimeAgo } from '@/components/small'
import { Empty, QueryView } from '@/components/states'
import { OutputFiles } from '@/components/output-files'
import { StatusBadge } from '@/components/status-badge'
import { formatDuration, formatNumber, formatValue } from '@/lib/format'
import { explainReason } from '@/lib/run-events'
import { curvesQuery, experimentQuery, isLive, resourcesQuery } from './api/queries'
import { Lineage } from './lineage'
import { ResourceCharts } from './resource-charts'

export function ExperimentPage() {
  const { experimentId } = useParams({ from: '/$ns/$slug/-/experiments/$experimentId' })
  const query = useQuery(experimentQuery(experimentId))
  return <QueryView query={query} skeleton="page">{(experiment) => <Details experiment={experiment} />}</QueryView>
}

function Details({ experiment }: { experiment: Experiment }) {
  const { params, level } = useProject()
  const live = isLive(experiment)
  const curves = useQuery(curvesQuery(experiment.id, live))
  const run = useQuery({ queryKey: ['run', experiment.run_id], queryFn: () => management.getRun(experiment.run_id), refetchInterval: live ? 3000 : false })
  const step = run.data?.steps.find((entry) => entry.name === experiment.step)
  return (
    <>
      <PageHead
        title={<Group gap="sm">{experiment.name} <Text span inherit c="dimmed">#{experiment.number}</Text> <StatusBadge status={experiment.status} /></Group>}
        note={<>by {experiment.created_by?.username ?? '–'} · <TimeAgo at={experiment.created_at} /> · {formatDuration(experiment.duration_s)}</>}
      >
        <LinkButton to="/$ns/$slug/-/runs/$runId" params={{ ...params, runId: experiment.run_id }} search={{ step: experiment.step, tab: 'log' }} variant="default">Run and log</LinkButton>
        {level >= 30 && <LinkButton to="/$ns/$slug/-/runs/new" params={params} search={{ kind: 'experiment', from: experiment.run_id }} variant="default" leftSection={<RotateCw size={15} />}>Change and run</LinkButton>}
      </PageHead>
      {step?.status === 'failed' && <Alert color="red" mb="md" title="This experiment failed" role="alert">{explainReason(step)}</Alert>}
      <Grid gap="md">
        <Grid.Col span={{ base: 12, lg: 8 }}>
          <Tabs defaultValue="curves" keepMounted={false}>
            <Tabs.List mb="md">
              <Tabs.Tab value="curves">Curves</Tabs.Tab>
              <Tabs.Tab value="resources">Resources</Tabs.Tab>
              <Tabs.Tab value="outputs">Model and outputs</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="curves"><QueryView query={curves}>{(found) => <MetricCharts sources={[{ label: experiment.name, curves: found }]} waiting={live} />}</QueryView></Tabs.Panel>
            <Tabs.Panel value="resources"><Resources id={experiment.id} live={live} /></Tabs.Panel>
            <Tabs.Panel value="outputs">
              {step && step.outputs.length > 0
                ? step.outputs.map((output) => <OutputFiles key={output.name} run={experiment.run_id} step={step.name} output={output.name} files={output.files} bytes={output.bytes} />)
                : <Empty title={live ? 'Not finished yet' : 'No outputs'} />}
            </Tabs.Panel>
          </Tabs>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 4 }}>
          <Facts experiment={experiment} />
          <Lineage experiment={experiment} />
        </Grid.Col>
      </Grid>
    </>
  )
}

function Resources({ id, live }: { id: string; live: boolean }) {
  const query = useQuery(resourcesQuery(id, live))
  return <QueryView query={query} isEmpty={(found) => Object.keys(found).length === 0} empty={<Empty title="No samples yet">CPU, memory and disk are sampled while the step runs.</Empty>}>{(found) => <ResourceCharts resources={found} />}</QueryView>
}

function Facts({ experiment }: { experiment: Experiment }) {
  const metrics = Object.entries(experiment.metrics ?? {})
  const parameters = Object.entries(experiment.parameters ?? {})
  return (
    <>
      <section className="panel" style={{ marginBottom: 16 }} aria-label="Metrics">
        <div className="panel-head"><Text fw={600} size="sm">Metrics</Text></div>
        {metrics.length === 0 ? <Text size="sm" c="dimmed" p="md">None yet</Text> : (
          <Table>
            <Table.Thead><Table.Tr><Table.Th>Name</Table.Th><Table.Th className="num">Last</Table.Th><Table.Th className="num">Min</Table.Th><Table.Th className="num">Max</Table.Th></Table.Tr></Table.Thead>
            <Table.Tbody>
              {metrics.map(([name, summary]) => (
                <Table.Tr key={name}><Table.Td>{name}</Table.Td><Table.Td className="num"><strong>{formatNumber(summary.last)}</strong></Table.Td><Table.Td className="num">{formatNumber(summary.min)}</Table.Td><Table.Td className="num">{formatNumber(summary.max)}</Table.Td></Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </section>
      <section className="panel" style={{ marginBottom: 16 }} aria-label="Parameters">
        <div className="panel-head"><Text fw={600} size="sm">Parameters</Text></div>
        {parameters.length === 0 ? <Text size="sm" c="dimmed" p="md">None</Text> : (
          <Table><Table.Tbody>{parameters.map(([name, value]) => <Table.Tr key={name}><Table.Td>{name}</Table.Td><Table.Td><code>{formatValue(value)}</code></Table.Td></Table.Tr>)}</Table.Tbody></Table>
        )}
      </section>
    </>
  )
}
