/** Processors, environments and machine classes: read by the marketplace, the run form and publishing. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import * as management from '../management'

export const processorsQuery = (query: Parameters<typeof management.listProcessors>[0]) =>
  queryOptions({
    queryKey: ['processors', query],
    queryFn: () => management.listProcessors(query),
    placeholderData: keepPreviousData,
  })

export const processorQuery = (id: string) =>
  queryOptions({ queryKey: ['processor', id], queryFn: () => management.getProcessor(id) })

export const environmentsQuery = queryOptions({
  queryKey: ['environments'],
  queryFn: management.listEnvironments,
  staleTime: 300_000,
})

export const machinesQuery = queryOptions({
  queryKey: ['machine-classes'],
  queryFn: management.listMachineClasses,
  staleTime: 300_000,
})
