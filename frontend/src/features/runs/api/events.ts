/** A run as it happens: the event stream, folded by the reducer; polling only while the stream is down. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useReducer } from 'react'
import * as management from '@/api/management'
import { runQuery } from '@/api/queries/runs'
import type { Run } from '@/api/types'
import { initialLive, isOver, reduce, type Live } from '@/lib/run-events'

const TYPES = ['run', 'step', 'metric', 'resource', 'log']
const POLL_MS = 4000

export function useLiveRun(id: string): { live: Live; run: Run | undefined; error: unknown; refetch: () => void } {
  const client = useQueryClient()
  const [live, dispatch] = useReducer(reduce, initialLive)
  const query = useQuery({
    ...runQuery(id),
    refetchInterval: ({ state }) => (state.data && isOver(state.data.status) ? false : POLL_MS),
  })
  const fetched = query.data
  useEffect(() => {
    if (fetched) dispatch({ type: 'run', data: fetched })
  }, [fetched])

  const known = live.run?.id === id ? live.run : undefined
  const run = known ?? fetched
  const over = run ? isOver(run.status) : false
  const started = run !== undefined
  useEffect(() => {
    if (over || !started) return
    const source = new EventSource(management.runEventsUrl(id))
    const listen = (event: MessageEvent<string>) => {
      try {
        dispatch({ type: event.type, data: JSON.parse(event.data) })
      } catch {
        // A broken event is passed over: the next poll brings the whole run.
      }
    }
    for (const type of TYPES) source.addEventListener(type, listen)
    source.addEventListener('end', () => source.close())
    return () => source.close()
  }, [id, over, started])
  useEffect(() => {
    if (over) for (const key of ['runs', 'experiments', 'datasets', 'visualizations', 'branches']) void client.invalidateQueries({ queryKey: [key] })
  }, [over, client])
  return { live, run, error: query.error, refetch: () => void query.refetch() }
}
