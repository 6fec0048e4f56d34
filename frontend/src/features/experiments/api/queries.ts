/** Experiments, their curves and their resources. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import * as management from '@/api/management'
import type { Experiment } from '@/api/types'
import { fromSeries } from '@/lib/metrics'

const LIVE_MS = 2000

export function isLive(experiment: Pick<Experiment, 'status'> | undefined): boolean {
  return experiment !== undefined && !['success', 'failed', 'canceled', 'cached', 'skipped'].includes(experiment.status)
}

export const experimentsQuery = (project: number, query: Parameters<typeof management.listExperiments>[1]) =>
  queryOptions({
    queryKey: ['experiments', project, query],
    queryFn: () => management.listExperiments(project, query),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.items.some(isLive) ? 4000 : false),
  })

export const experimentQuery = (id: string) =>
  queryOptions({
    queryKey: ['experiment', id],
    queryFn: () => management.getExperiment(id),
    refetchInterval: ({ state }) => (isLive(state.data) ? LIVE_MS : false),
  })

export const curvesQuery = (id: string, live: boolean) =>
  queryOptions({
    queryKey: ['metrics', id, live],
    queryFn: () => management.getMetrics(id).then((body) => fromSeries(body.keys)),
    placeholderData: keepPreviousData,
    refetchInterval: live ? LIVE_MS : false,
  })

export const resourcesQuery = (id: string, live: boolean) =>
  queryOptions({
    queryKey: ['resources', id, live],
    queryFn: () => management.getResources(id),
    placeholderData: keepPreviousData,
    refetchInterval: live ? LIVE_MS : false,
  })

export const comparisonQuery = (ids: string[]) =>
  queryOptions({ queryKey: ['comparison', ids], queryFn: () => management.compare(ids), enabled: ids.length >= 2 })
