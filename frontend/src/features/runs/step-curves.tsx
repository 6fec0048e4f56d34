/** The curves of an algorithm step; the experiment's page has everything else. */
import { Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import * as management from '@/api/management'
import type { Run, Step } from '@/api/types'
import { LinkAnchor } from '@/components/links'
import { MetricCharts } from '@/components/metric-charts'
import { useProject } from '@/components/project-context'
import { Loading } from '@/components/states'
import { fromSeries, merge, type Curves } from '@/lib/metrics'
import { isStepOver } from '@/lib/run-events'
import { findExperiment } from './api/experiment'

const POLL_MS = 5000

export function StepCurves({ run, step, news }: { run: Run; step: Step; news: Curves }) {
  const { params } = useProject()
  const experiments = useQuery({
    queryKey: ['experiment-of', run.id, step.name],
    queryFn: () => findExperiment(run, step.name),
  })
  const experiment = experiments.data ?? undefined
  const metrics = useQuery({
    queryKey: ['metrics', experiment?.id],
    queryFn: () => management.getMetrics(experiment?.id ?? ''),
    enabled: experiment !== undefined,
    refetchInterval: isStepOver(step.status) ? false : POLL_MS,
  })
  const curves = useMemo(() => merge(fromSeries(metrics.data?.keys ?? {}), news), [metrics.data, news])
  if (experiments.isPending || (experiment && metrics.isPending)) return <Loading />
  return (
    <Stack>
      {experiment && <LinkAnchor to="/$ns/$slug/-/experiments/$experimentId" params={{ ...params, experimentId: experiment.id }}>Open experiment #{experiment.number}</LinkAnchor>}
      <MetricCharts sources={[{ label: step.name, curves }]} waiting={!isStepOver(step.status)} />
    </Stack>
  )
}
