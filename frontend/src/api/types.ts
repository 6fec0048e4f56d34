/** Shapes of the management service's REST API (version 1), as its contract states them. */

export type Listing<T> = { items: T[]; total: number; page: number; per_page: number }

export type * from './processor-types'
import type { Kind } from './processor-types'

export type RunKind = 'dataops' | 'experiment' | 'visualization'

export type MachineClass = {
  name: string
  title?: string | null
  cpus?: number | null
  memory_bytes?: number | null
  gpus?: number | null
  price_per_hour?: number | null
  currency?: string
}

export type InputSource =
  | { branch: string; path: string }
  | { commit: string; path: string }
  | { step: string; output: string }

export type DefinitionStep = {
  name: string
  processor: string
  inputs: Record<string, InputSource>
  parameters: Record<string, unknown>
  machine?: string
  timeout?: number
}

export type Definition = {
  version: 1
  name: string
  kind: RunKind
  steps: DefinitionStep[]
  target?: { branch: string | null; path: string | null } | null
}

export type PlanStep = {
  step: string
  cached: boolean
  cache_reason: string | null
  machine: string
  price_forecast?: { at_most: number; currency: string } | null
}
export type Validation = { valid: boolean; errors: { field: string; message: string }[]; plan: PlanStep[]; warnings?: { field: string; message: string }[] }

export type RunStatus = 'created' | 'queued' | 'running' | 'finishing' | 'success' | 'failed' | 'canceled'
export type StepStatus =
  | 'waiting'
  | 'queued'
  | 'running'
  | 'success'
  | 'failed'
  | 'skipped'
  | 'canceled'
  | 'cached'

export type StepOutput = { name: string; digest: string; files: number; bytes: number }

export type Step = {
  id: string
  name: string
  processor: { slug: string; version: string; version_id: string; kind: Kind }
  status: StepStatus
  reason: string | null
  message: string | null
  exit_code: number | null
  cached: boolean
  cached_from: string | null
  cache_key: string | null
  cache_reason: string | null
  parameters: Record<string, unknown>
  inputs: Record<string, InputSource & { commit?: string }>
  outputs: StepOutput[]
  needs: string[]
  machine: string
  ci_job_id: number | null
  started_at: string | null
  finished_at: string | null
  duration_s: number | null
}

export type Run = {
  id: string
  number: number
  project_id: number
  project_path: string
  name: string
  kind: RunKind
  status: RunStatus
  reason: string | null
  created_at: string
  started_at: string | null
  finished_at: string | null
  created_by: { id: number; username: string } | null
  definition: Definition
  steps: Step[]
  dataset: Dataset | null
  ci_pipeline_id: number | null
  jobs_started: number
  cached_steps: number
}

export type Dataset = { branch: string; commit: string; path: string; files: number; bytes: number }

export type ManifestEntry = { path: string; size: number; oid: string; mode: string }

export type MetricSummary = { last: number; min: number; max: number; count: number }

export type Experiment = {
  id: string
  number: number
  name: string
  status: RunStatus | StepStatus
  reason: string | null
  message: string | null
  run_id: string
  run_number?: number
  step: string
  project_id: number
  processor: { slug: string; version: string; version_id: string }
  parameters: Record<string, unknown>
  metrics: Record<string, MetricSummary>
  created_at: string
  duration_s: number | null
  created_by: { id: number; username: string } | null
  code: { project_id: number | null; commit: string | null; image: string } | null
  data: { commit?: string; path?: string; branch?: string | null; step?: string; output?: string } | null
  model: { files: number; bytes: number; digest: string } | null
}

export type MetricSeries = { steps: (number | null)[]; values: (number | null)[]; times_ms: number[] }

/** One series for each: cpu_percent, memory_bytes, gpu_percent, read_bytes, write_bytes, net_rx, net_tx. */
export type Resources = Record<string, MetricSeries>

type Finished = {
  run_id: string
  number: number
  name: string
  status: RunStatus
  reason: string | null
  project_id: number
  created_at: string
  finished_at: string | null
  created_by: { id: number; username: string }
  steps: { name: string; processor: string }[]
  inputs: { branch: string | null; commit: string; path: string }[]
}
export type DatasetItem = Finished & { dataset: Dataset | null }
export type ShownFile = { step: string; output: string; path: string; kind: 'picture' | 'table' | 'page'; size: number; url: string }
export type VisualizationItem = Finished & { files: ShownFile[] }

export type Comparison = {
  experiments: Experiment[]
  parameters: { name: string; values: unknown[]; differs: boolean }[]
  metrics: { name: string; values: (number | MetricSummary | null)[]; best: number | string | null }[]
}

export type UsageRecord = {
  job_id: number
  job_name: string
  user: { id: number; username: string }
  project_id: number
  project_path: string
  machine_class: string
  outcome: string
  seconds: number
  cpu_s: number | null
  gpu_s: number | null
  peak_memory_bytes: number | null
  read_bytes: number | null
  written_bytes: number | null
  started_at: string
  finished_at: string | null
  run_id: string | null
}
