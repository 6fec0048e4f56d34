/** One run: its steps as they happen, and for the chosen step log, outputs, parameters, curves. */
import { Alert, Button, Grid, Group, Tabs, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { Copy, RotateCw, Square } from 'lucide-react'
import * as management from '@/api/management'
import type { Run, Step } from '@/api/types'
import { LinkAnchor, LinkButton } from '@/components/links'
import { LiveLog } from '@/components/live-log'
import { useProject } from '@/components/project-context'
import { PageHead, TimeAgo } from '@/components/small'
import { Failure, Loading, messageOf } from '@/components/states'
import { StatusBadge } from '@/components/status-badge'
import { formatDuration, plural } from '@/lib/format'
import { explainReason, isOver, isStepOver, type Live } from '@/lib/run-events'
import { useLiveRun } from './api/events'
import { Outputs } from './outputs'
import type { Curves } from '@/lib/metrics'
import { elapsed } from './runs-page'
import { StepCurves } from './step-curves'
import { StepDetails } from './step-details'
import { StepList } from './step-list'

const NOTHING: Curves = {}

export function RunPage() {
  const { runId } = useParams({ from: '/$ns/$slug/-/runs/$runId' })
  const { live, run, error, refetch } = useLiveRun(runId)
  if (!run) return error ? <Failure error={error} retry={refetch} /> : <Loading kind="page" />
  return <RunView run={run} live={live} />
}

function RunView({ run, live }: { run: Run; live: Live }) {
  const { params } = useProject()
  const { step: wanted } = useSearch({ from: '/$ns/$slug/-/runs/$runId' })
  const navigate = useNavigate({ from: '/$ns/$slug/-/runs/$runId' })
  const step = run.steps.find((entry) => entry.name === wanted) ?? interesting(run)
  return (
    <>
      <PageHead
        title={<Group gap="sm">{run.name} <Text span inherit c="dimmed">#{run.number}</Text> <StatusBadge status={run.status} /></Group>}
        note={<>{run.kind} · by {run.created_by?.username ?? '–'} · <TimeAgo at={run.created_at} /> · {formatDuration(elapsed(run))}{run.cached_steps > 0 ? ` · ${plural(run.cached_steps, 'step')} from the cache` : ''}</>}
      >
        <RunActions run={run} />
      </PageHead>
      {run.status === 'failed' && <Alert color="red" title="This run failed" mb="md" role="alert">{run.reason ?? 'See the failed step.'}</Alert>}
      {run.dataset && (
        <Alert color="green" title="Dataset" mb="md">
          {plural(run.dataset.files ?? 0, 'file')} on branch{' '}
          <LinkAnchor to="/$ns/$slug/-/tree/$ref/$" params={{ ...params, ref: run.dataset.branch, _splat: run.dataset.path }}>{run.dataset.branch}</LinkAnchor>.{' '}
          <LinkAnchor to="/$ns/$slug/-/datasets/$runId" params={{ ...params, runId: run.id }}>Look at the dataset</LinkAnchor>
        </Alert>
      )}
      <Grid gap="md">
        <Grid.Col span={{ base: 12, lg: 3 }}>
          <StepList steps={run.steps} current={step?.name} onChoose={(name) => void navigate({ search: (old) => ({ ...old, step: name }), replace: true })} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 9 }}>{step && <StepView key={step.id} run={run} step={step} live={live} />}</Grid.Col>
      </Grid>
    </>
  )
}

/** The step one most likely wants to see: the failed one, else the one at work, else the last. */
function interesting(run: Run): Step | undefined {
  return run.steps.find((step) => step.status === 'failed') ?? run.steps.find((step) => step.status === 'running') ?? run.steps.find((step) => !isStepOver(step.status)) ?? run.steps.at(-1)
}

function StepView({ run, step, live }: { run: Run; step: Step; live: Live }) {
  const search = useSearch({ from: '/$ns/$slug/-/runs/$runId' })
  const navigate = useNavigate({ from: '/$ns/$slug/-/runs/$runId' })
  const produced = step.outputs.length > 0
  const algorithm = step.processor.kind === 'algorithm'
  const first = step.status === 'failed' || !isStepOver(step.status) || !produced ? 'log' : 'outputs'
  const tab = search.tab && (search.tab !== 'outputs' || produced) ? search.tab : first
  const reason = explainReason(step)
  return (
    <>
      {step.status === 'failed' && (
        <Alert color="red" mb="md" title={`Step ${step.name} failed${step.exit_code === null ? '' : ` with exit code ${step.exit_code}`}`} role="alert">{reason}</Alert>
      )}
      {step.status === 'skipped' && <Alert color="gray" mb="md" title="Skipped">{step.reason ?? step.message}</Alert>}
      <Tabs value={tab} onChange={(next) => void navigate({ search: (old) => ({ ...old, step: step.name, tab: next ?? undefined }), replace: true })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="log">Log</Tabs.Tab>
          {produced && <Tabs.Tab value="outputs">Outputs</Tabs.Tab>}
          {algorithm && <Tabs.Tab value="metrics">Metrics</Tabs.Tab>}
          <Tabs.Tab value="details">Details</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="log">
          {step.cached
            ? <Text c="dimmed">This step was not run again: its result came from the cache. {step.cache_reason}</Text>
            : <LiveLog source={(offset) => management.logUrl(run.id, step.name, offset)} done={isStepOver(step.status)} version={live.logVersion[step.name]} />}
        </Tabs.Panel>
        <Tabs.Panel value="outputs"><Outputs run={run} step={step} /></Tabs.Panel>
        <Tabs.Panel value="metrics"><StepCurves run={run} step={step} news={live.curves[step.name] ?? NOTHING} /></Tabs.Panel>
        <Tabs.Panel value="details"><StepDetails step={step} /></Tabs.Panel>
      </Tabs>
    </>
  )
}

function RunActions({ run }: { run: Run }) {
  const { params, level } = useProject()
  const client = useQueryClient()
  const navigate = useNavigate()
  const fail = (error: unknown) => notifications.show({ color: 'red', title: 'Not done', message: messageOf(error) })
  const cancel = useMutation({
    mutationFn: () => management.cancelRun(run.id),
    onSuccess: () => void client.invalidateQueries({ queryKey: ['run', run.id] }),
    onError: fail,
  })
  const again = useMutation({
    mutationFn: () => management.rerun(run.id),
    onSuccess: (next) => void navigate({ to: '/$ns/$slug/-/runs/$runId', params: { ...params, runId: next.id } }),
    onError: fail,
  })
  if (level < 30) return null
  return (
    <>
      {!isOver(run.status) && <Button variant="default" leftSection={<Square size={14} />} loading={cancel.isPending} onClick={() => cancel.mutate()}>Cancel</Button>}
      {isOver(run.status) && <Button variant="default" leftSection={<RotateCw size={15} />} loading={again.isPending} onClick={() => again.mutate()}>Run again</Button>}
      <LinkButton to="/$ns/$slug/-/runs/new" params={params} search={{ kind: run.kind, from: run.id }} variant="default" leftSection={<Copy size={15} />}>Change and run</LinkButton>
    </>
  )
}
