/** Calls of the management service. Each function is one route of its contract. */
import { json, send, url, type Query } from './http'
import type * as t from './types'

const API = '/api/v1'
const at = (path: string, query?: Query) => url(API + path, query)
const part = encodeURIComponent
const filePath = (path: string) => path.split('/').map(part).join('/')

export const listEnvironments = () => json<t.Listing<t.Environment> | t.Environment[]>('GET', at('/environments')).then(rows)
export const listMachineClasses = () =>
  json<t.Listing<t.MachineClass> | t.MachineClass[]>('GET', at('/machine-classes')).then(rows)

export const listEntries = (project: number, ref: string) =>
  json<t.Listing<string | { path: string }> | (string | { path: string })[]>(
    'GET',
    at(`/projects/${project}/processors/entries`, { ref }),
  ).then((body) => rows(body).map((row) => (typeof row === 'string' ? row : row.path)))
export const inspect = (project: number, ref: string, entry: string) =>
  json<t.Inspection>('POST', at(`/projects/${project}/processors/inspect`), { ref, entry })

export type PublishOrder = {
  ref: string
  entry: string
  name: string
  kind: t.Kind
  environment: string
  version?: string
  title?: string
  description?: string
  input_types: string[]
  output_types: string[]
}
export const publish = (project: number, order: PublishOrder) =>
  json<t.Publication>('POST', at(`/projects/${project}/publications`), order)
export const getPublication = (id: string) => json<t.Publication>('GET', at(`/publications/${part(id)}`))

export const listProjectProcessors = (project: number) =>
  json<t.Listing<t.Processor> | t.Processor[]>('GET', at(`/projects/${project}/processors`)).then(rows)
export const listProcessors = (query: Query) => json<t.Listing<t.Processor>>('GET', at('/processors', query))
export const getProcessor = (id: string) => json<t.Processor>('GET', at(`/processors/${part(id)}`))
export const getProcessorVersion = (id: string) =>
  json<t.ProcessorVersion>('GET', at(`/processor-versions/${part(id)}`))

export const validate = (project: number, definition: t.Definition) =>
  json<t.Validation>('POST', at(`/projects/${project}/pipelines/validate`), { definition })
export const startRun = (project: number, definition: t.Definition) =>
  json<t.Run>('POST', at(`/projects/${project}/runs`), { definition })

export const listRuns = (project: number, query: Query) =>
  json<t.Listing<t.Run>>('GET', at(`/projects/${project}/runs`, query))
export const getRun = (id: string) => json<t.Run>('GET', at(`/runs/${part(id)}`))
export const cancelRun = (id: string) => json<t.Run>('POST', at(`/runs/${part(id)}/cancel`))
export const rerun = (id: string) => json<t.Run>('POST', at(`/runs/${part(id)}/rerun`))
export const runEventsUrl = (id: string) => at(`/runs/${part(id)}/events`)

export const logUrl = (run: string, step: string, offset?: number) =>
  at(`/runs/${part(run)}/steps/${part(step)}/log`, { offset })
export const outputUrl = (run: string, step: string, output: string, path: string, inline = false) =>
  at(`/runs/${part(run)}/steps/${part(step)}/outputs/${part(output)}/files/${filePath(path)}`, inline ? { inline: 1 } : {})
export const listOutputEntries = (run: string, step: string, output: string, page: number) =>
  json<t.Listing<t.ManifestEntry>>(
    'GET',
    at(`/runs/${part(run)}/steps/${part(step)}/outputs/${part(output)}`, { page, per_page: 100 }),
  )

/** The part of a log from a byte offset on, with the offset to continue from. */
export async function readLog(target: string, signal?: AbortSignal): Promise<{ text: string; bytes: number }> {
  const response = await send('GET', target, undefined, signal)
  const body = await response.arrayBuffer()
  return { text: new TextDecoder().decode(body), bytes: body.byteLength }
}

export const listExperiments = (project: number, query: Query) =>
  json<t.Listing<t.Experiment>>('GET', at(`/projects/${project}/experiments`, query))
export const getExperiment = (id: string) => json<t.Experiment>('GET', at(`/experiments/${part(id)}`))
export const getMetrics = (id: string, points = 1000) =>
  json<{ keys: Record<string, t.MetricSeries> }>('GET', at(`/experiments/${part(id)}/metrics`, { points }))
export const getResources = (id: string) =>
  json<{ keys: t.Resources }>('GET', at(`/experiments/${part(id)}/resources`)).then((body) => body.keys)
export const compare = (ids: string[]) =>
  json<t.Comparison>('GET', at('/experiments/compare', { ids: ids.join(',') }))

export const listVisualizations = (project: number, query: Query) =>
  json<t.Listing<t.VisualizationItem>>('GET', at(`/projects/${project}/visualizations`, query))
export const listDatasets = (project: number, query: Query) =>
  json<t.Listing<t.DatasetItem>>('GET', at(`/projects/${project}/datasets`, query))
export const listUsage = (query: Query) => json<t.Listing<t.UsageRecord>>('GET', at('/usage', query))

function rows<T>(body: t.Listing<T> | T[]): T[] {
  return Array.isArray(body) ? body : body.items
}
