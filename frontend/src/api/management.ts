/**
 * Calls of the management service. Routes and their parameters are checked against its own OpenAPI document
 * (`schema.gen.d.ts`); the shapes of answers are those of `types.ts`, which the document leaves open.
 */
import createClient from 'openapi-fetch'
import { BASE, send, transmit, url, type Query } from './http'
import type { paths } from './schema.gen'
import type * as t from './types'

const api = createClient<paths>({ baseUrl: BASE, fetch: transmit, credentials: 'same-origin' })

type Answer = Promise<{ data?: unknown }>
export type Filter<P extends keyof paths> = paths[P] extends { get: { parameters: { query?: infer Q } } } ? Q : never

async function body<T>(answer: Answer): Promise<T> {
  return (await answer).data as T
}

async function items<T>(answer: Answer): Promise<T[]> {
  return (await body<t.Listing<T>>(answer)).items
}

const MANY = { per_page: 100 }
const part = encodeURIComponent
const at = (path: string, query?: Query) => url(`/api/v1${path}`, query)

export const listEnvironments = () => items<t.Environment>(api.GET('/api/v1/environments', { params: { query: MANY } }))
export const listMachineClasses = () => items<t.MachineClass>(api.GET('/api/v1/machine-classes', { params: { query: MANY } }))

export const listEntries = async (pid: number, ref: string): Promise<string[]> =>
  (await items<{ path: string }>(api.GET('/api/v1/projects/{pid}/processors/entries', { params: { path: { pid }, query: { ref } } }))).map((row) => row.path)
export const inspect = (pid: number, look: { ref: string; entry: string; subcommand?: string }) =>
  body<t.Inspection>(api.POST('/api/v1/projects/{pid}/processors/inspect', { params: { path: { pid } }, body: look }))

export type EnvironmentOrder = paths['/api/v1/environments']['post']['requestBody']['content']['application/json']
export const registerEnvironment = (order: EnvironmentOrder) => body<t.Environment>(api.POST('/api/v1/environments', { body: order }))

export const removeEnvironment = async (environment: string): Promise<void> => {
  await api.DELETE('/api/v1/environments/{environment}', { params: { path: { environment } } })
}

export type PublishOrder = paths['/api/v1/projects/{pid}/publications']['post']['requestBody']['content']['application/json']
export const publish = (pid: number, order: PublishOrder) =>
  body<t.Publication>(api.POST('/api/v1/projects/{pid}/publications', { params: { path: { pid } }, body: order }))
export const getPublication = (publication_id: string) =>
  body<t.Publication>(api.GET('/api/v1/publications/{publication_id}', { params: { path: { publication_id } } }))

export const listPublications = (pid: number, query: { page: number; per_page: number }) =>
  body<t.Listing<t.Publication>>(api.GET('/api/v1/projects/{pid}/publications', { params: { path: { pid }, query } }))

export const listProjectProcessors = (pid: number) =>
  items<t.Processor>(api.GET('/api/v1/projects/{pid}/processors', { params: { path: { pid }, query: MANY } }))
export type MarketQuery = NonNullable<Filter<'/api/v1/processors'>>
export const listProcessors = (query: MarketQuery) =>
  body<t.Market>(api.GET('/api/v1/processors', { params: { query } }))
export const getProcessor = (processor: string) =>
  body<t.Processor>(api.GET('/api/v1/processors/{processor}', { params: { path: { processor } } }))

const atVersion = (version_id: string) => ({ path: { version_id } })
export const deprecate = (version: string, order: { message: string; replacement?: string }) =>
  body<t.ProcessorVersion>(api.POST('/api/v1/processor-versions/{version_id}/deprecate', { params: atVersion(version), body: order }))
export const undeprecate = (version: string) =>
  body<t.ProcessorVersion>(api.POST('/api/v1/processor-versions/{version_id}/undeprecate', { params: atVersion(version) }))
export const unpublish = (version: string, order: { reason: string }) =>
  body<t.ProcessorVersion>(api.POST('/api/v1/processor-versions/{version_id}/unpublish', { params: atVersion(version), body: order }))
export const republish = (version: string, order: { version?: string; changelog?: string }) =>
  body<t.Publication>(api.POST('/api/v1/processor-versions/{version_id}/republish', { params: atVersion(version), body: order }))
export const verify = (version: string) =>
  body<t.Verification>(api.POST('/api/v1/processor-versions/{version_id}/verify', { params: atVersion(version) }))
export const listVerifications = (version: string) =>
  items<t.Verification>(api.GET('/api/v1/processor-versions/{version_id}/verifications', { params: { ...atVersion(version), query: { per_page: 20 } } }))
export const getChanges = (version: string, from: string) =>
  body<t.Changes>(api.GET('/api/v1/processor-versions/{version_id}/changes', { params: { ...atVersion(version), query: { from } } }))

export const getTagSettings = (pid: number) =>
  body<t.TagSettings>(api.GET('/api/v1/projects/{pid}/publish-on-tag', { params: { path: { pid } } }))
export const setTagSettings = (pid: number, publish_on_tag: boolean | null) =>
  body<t.TagSettings>(api.PUT('/api/v1/projects/{pid}/publish-on-tag', { params: { path: { pid } }, body: { publish_on_tag } }))

export const validate = (pid: number, definition: t.Definition) =>
  body<t.Validation>(api.POST('/api/v1/projects/{pid}/pipelines/validate', { params: { path: { pid } }, body: { definition, use_cache: true } }))
export const startRun = (pid: number, definition: t.Definition) =>
  body<t.Run>(api.POST('/api/v1/projects/{pid}/runs', { params: { path: { pid } }, body: { definition, use_cache: true } }))

export const listRuns = (pid: number, query: Filter<'/api/v1/projects/{pid}/runs'>) =>
  body<t.Listing<t.Run>>(api.GET('/api/v1/projects/{pid}/runs', { params: { path: { pid }, query } }))
export const getRun = (run_id: string) => body<t.Run>(api.GET('/api/v1/runs/{run_id}', { params: { path: { run_id } } }))
export const cancelRun = (run_id: string) => body<t.Run>(api.POST('/api/v1/runs/{run_id}/cancel', { params: { path: { run_id } } }))
export const rerun = (run_id: string) => body<t.Run>(api.POST('/api/v1/runs/{run_id}/rerun', { params: { path: { run_id } } }))

export const listOutputEntries = (run_id: string, name: string, output: string, page: number) =>
  body<t.Listing<t.ManifestEntry>>(
    api.GET('/api/v1/runs/{run_id}/steps/{name}/outputs/{output}', { params: { path: { run_id, name, output }, query: { page, ...MANY } } }),
  )

export const listExperiments = (pid: number, query: Filter<'/api/v1/projects/{pid}/experiments'>) =>
  body<t.Listing<t.Experiment>>(api.GET('/api/v1/projects/{pid}/experiments', { params: { path: { pid }, query } }))
export const getExperiment = (experiment_id: string) =>
  body<t.Experiment>(api.GET('/api/v1/experiments/{experiment_id}', { params: { path: { experiment_id } } }))
export const getMetrics = (experiment_id: string, points = 1000) =>
  body<{ keys: Record<string, t.MetricSeries> }>(api.GET('/api/v1/experiments/{experiment_id}/metrics', { params: { path: { experiment_id }, query: { points } } }))
export const getResources = async (experiment_id: string): Promise<t.Resources> =>
  (await body<{ keys: t.Resources }>(api.GET('/api/v1/experiments/{experiment_id}/resources', { params: { path: { experiment_id } } }))).keys
export const compare = (ids: string[]) =>
  body<t.Comparison>(api.GET('/api/v1/experiments/compare', { params: { query: { ids: ids.join(',') } } }))

export const listVisualizations = (pid: number, query: Filter<'/api/v1/projects/{pid}/visualizations'>) =>
  body<t.Listing<t.VisualizationItem>>(api.GET('/api/v1/projects/{pid}/visualizations', { params: { path: { pid }, query } }))
export const listDatasets = (pid: number, query: Filter<'/api/v1/projects/{pid}/datasets'>) =>
  body<t.Listing<t.DatasetItem>>(api.GET('/api/v1/projects/{pid}/datasets', { params: { path: { pid }, query } }))
export const listUsage = (query: { project_id: number; page: number; per_page: number }) =>
  body<t.Listing<t.UsageRecord>>(api.GET('/api/v1/usage', { params: { query } }))

// --- addresses that the browser itself opens: streams, logs, files
const filePath = (path: string) => path.split('/').map(part).join('/')

export const runEventsUrl = (run: string) => at(`/runs/${part(run)}/events`)
export const logUrl = (run: string, step: string, offset?: number) => at(`/runs/${part(run)}/steps/${part(step)}/log`, { offset })
export const outputUrl = (run: string, step: string, output: string, path: string, inline = false) =>
  at(`/runs/${part(run)}/steps/${part(step)}/outputs/${part(output)}/files/${filePath(path)}`, inline ? { inline: 1 } : {})

/** The bytes of a log from an offset on; a letter may be cut at their end. */
export async function readLog(target: string, signal?: AbortSignal): Promise<Uint8Array> {
  const response = await send('GET', target, undefined, signal)
  return new Uint8Array(await response.arrayBuffer())
}
