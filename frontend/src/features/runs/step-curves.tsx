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
import { fromSeries } from '@/lib/metrics'
import { isStepOver } from '@/lib/run-events'

const POLL_MS = 2000

export function StepCurves({ run, step }: { run: Run; step: Step }) {
  const { params } = useProject()
  const experiments = useQuery({
    queryKey: ['experiments', run.project_id, { run_id: run.id }],
    queryFn: () => management.listExperiments(run.project_id, { run_id: run.id, per_page: 100 }),
  })
  const experiment = experiments.data?.items.find((entry) => entry.run_id === run.id && entry.step === step.name)
  const metrics = useQuery({
    queryKey: ['metrics', experiment?.id],
    queryFn: () => management.getMetrics(experiment?.id ?? ''),
    enabled: experiment !== undefined,
    refetchInterval: isStepOver(step.status) ? false : POLL_MS,
  })
  const curves = useMemo(() => fromSeries(metrics.data?.keys ?? {}), [metrics.data])
  if (experiments.isPending || (experiment && metrics.isPending)) return <Loading />
  return (
    <Stack>
      {experiment && <LinkAnchor to="/$ns/$slug/-/experiments/$experimentId" params={{ ...params, experimentId: experiment.id }}>Open experiment #{experiment.number}</LinkAnchor>}
      <MetricCharts sources={[{ label: step.name, curves }]} waiting={!isStepOver(step.status)} />
    </Stack>
  )
}
