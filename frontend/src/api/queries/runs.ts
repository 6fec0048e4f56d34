/** Runs of a project: read by its pages and by the dashboard. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import * as management from '../management'

export const runsQuery = (project: number, query: Parameters<typeof management.listRuns>[1]) =>
  queryOptions({
    queryKey: ['runs', project, query],
    queryFn: () => management.listRuns(project, query),
    placeholderData: keepPreviousData,
    refetchInterval: 5000,
  })

export const runQuery = (id: string) =>
  queryOptions({ queryKey: ['run', id], queryFn: () => management.getRun(id) })
