/** One dataset: its files, and exactly what they were made from. */
import { Grid, Group, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { runQuery } from '@/api/queries/runs'
import type { Run, Step } from '@/api/types'
import { LinkAnchor, LinkButton } from '@/components/links'
import { OutputFiles } from '@/components/output-files'
import { useProject } from '@/components/project-context'
import { Fact, Id, PageHead, TimeAgo } from '@/components/small'
import { Empty, QueryView } from '@/components/states'
import { StatusBadge } from '@/components/status-badge'
import { formatBytes, formatValue, plural } from '@/lib/format'

const ENDED = new Set(['success', 'failed', 'canceled'])

export function DatasetPage() {
  const { runId } = useParams({ from: '/$ns/$slug/-/datasets/$runId' })
  const query = useQuery({ ...runQuery(runId), refetchInterval: ({ state }) => (state.data && !ENDED.has(state.data.status) ? 1500 : false) })
  return <QueryView query={query} skeleton="page">{(run) => <Details run={run} />}</QueryView>
}

function Details({ run }: { run: Run }) {
  const { params, level } = useProject()
  const { dataset } = run
  const last = run.steps.at(-1)
  return (
    <>
      <PageHead title={<Group gap="sm">{run.name} <Text span inherit c="dimmed">#{run.number}</Text></Group>} note={<>dataset made <TimeAgo at={run.finished_at ?? run.created_at} /> by {run.created_by?.username ?? '–'}</>}>
        <LinkButton to="/$ns/$slug/-/runs/$runId" params={{ ...params, runId: run.id }} variant="default">Run</LinkButton>
        {dataset && level >= 30 && <LinkButton to="/$ns/$slug/-/runs/new" params={params} search={{ kind: 'experiment', branch: dataset.branch, path: dataset.path }}>Train on it</LinkButton>}
      </PageHead>
      {!dataset ? <Empty title="This run has made no dataset">Its state is {run.status}.</Empty> : (
        <Grid gap="md">
          <Grid.Col span={{ base: 12, lg: 8 }}>
            <Stack>{last?.outputs.map((output) => <OutputFiles key={output.name} run={run.id} step={last.name} output={output.name} files={output.files} bytes={output.bytes} />)}</Stack>
          </Grid.Col>
          <Grid.Col span={{ base: 12, lg: 4 }}>
            <section className="panel panel-body" style={{ marginBottom: 16 }} aria-label="Dataset">
              <dl className="facts">
                <Fact name="Branch"><LinkAnchor size="sm" to="/$ns/$slug/-/tree/$ref/$" params={{ ...params, ref: dataset.branch, _splat: dataset.path }}>{dataset.branch}</LinkAnchor></Fact>
                <Fact name="Commit"><LinkAnchor size="sm" to="/$ns/$slug/-/commit/$sha" params={{ ...params, sha: dataset.commit }}>{dataset.commit.slice(0, 8)}</LinkAnchor></Fact>
                <Fact name="Folder"><code>/{dataset.path}</code></Fact>
                <Fact name="Files">{plural(dataset.files ?? 0, 'file')}</Fact>
                <Fact name="Size">{formatBytes(dataset.bytes)}</Fact>
              </dl>
            </section>
            <Provenance steps={run.steps} />
          </Grid.Col>
        </Grid>
      )}
    </>
  )
}

function Provenance({ steps }: { steps: Step[] }) {
  return (
    <section className="panel panel-body" aria-label="Provenance">
      <Title order={2} size="h5" mb="sm">Provenance</Title>
      <Stack gap="md">
        {steps.map((step, index) => (
          <div key={step.id}>
            <Group justify="space-between"><Text fw={600} size="sm">{index + 1}. {step.name}</Text><StatusBadge status={step.cached ? 'cached' : step.status} /></Group>
            <Text size="xs" c="dimmed">{step.processor.slug}@{step.processor.version}</Text>
            <Text size="xs">{Object.entries(step.parameters ?? {}).map(([name, value]) => `${name} = ${formatValue(value)}`).join(', ') || 'no parameters'}</Text>
            {Object.entries(step.inputs ?? {}).map(([name, source]) => (
              <Text size="xs" key={name}>{name}: {'step' in source && source.step ? `step ${source.step}` : <>/{'path' in source ? source.path : ''} at <Id value={source.commit} /></>}</Text>
            ))}
          </div>
        ))}
      </Stack>
    </section>
  )
}
