/** Shapes of processors: parameters, versions, publications, environments, the marketplace. */
import type { Listing } from './types'

export type ParameterType = 'string' | 'integer' | 'float' | 'boolean' | 'choice' | 'list' | 'path' | 'dictionary'
export type Kind = 'operation' | 'algorithm' | 'visualization'

export type Parameter = {
  name: string
  flag: string | null
  type: ParameterType
  required: boolean
  default: unknown
  choices: unknown[] | null
  min: number | null
  max: number | null
  multiple: boolean
  nargs: string | number | null
  help: string | null
  unit: string | null
  role: 'value' | 'input' | 'output'
  position: { file: string; line: number; column: number } | null
  negated_flag: string | null
}

export type SourceProblem = { file: string; line: number; column: number; message: string; remedy: string | null }

/** processor.yaml in its normal form; keys that nobody wrote are missing. */
export type Manifest = {
  name?: string
  kind?: Kind
  title?: string
  description?: string
  entry?: string
  command?: string[]
  subcommand?: string
  environment?: string
  requirements?: string | string[] | null
  licence?: string | null
  tags?: string[]
  model_type?: string | null
  ml_category?: string | null
  input_types?: string[]
  output_types?: string[]
  parameters?: Record<string, Partial<Parameter>>
  resources?: ResourceWish
  network?: string
  metrics?: Record<string, MetricRule>
  reference?: Reference | null
  changelog?: string
  [key: string]: unknown
}
export type ResourceWish = Partial<Record<'machine' | 'cpus' | 'memory' | 'gpus' | 'disk' | 'processes' | 'timeout', string | number>>
export type MetricRule = { goal?: string | null; unit?: string | null; help?: string | null }
export type Reference = {
  inputs?: Record<string, string>
  parameters?: Record<string, unknown>
  metrics?: Record<string, string>
  outputs?: Record<string, Record<string, string>>
}

export type Subcommand = { name: string; help: string | null; parameters: Parameter[] }

export type Inspection = {
  commit: string
  entry: string
  command?: string[]
  parameters: Parameter[]
  warnings: SourceProblem[]
  errors: SourceProblem[]
  requirements: string | string[] | null
  manifest?: Manifest
  subcommands?: Subcommand[]
  subcommand?: string | null
  framework?: string | null
  suggested: { name: string; kind: Kind; title: string | null; description: string | null; environment: string | null } & Manifest
}

export type Environment = {
  id: string
  name: string
  title: string
  image: string | null
  framework: string | null
  description?: string | null
  digest?: string | null
  selectable?: boolean
  flavour?: string
  packages?: string[]
  source?: Record<string, unknown>
  registered_by?: string | null
  updated_at?: string | null
  processors?: number
}
export type VersionStatus = 'published' | 'deprecated' | 'unpublished'

export type ProcessorVersion = {
  id: string
  version: string
  commit: string
  entry: string
  command?: string[]
  parameters: Parameter[]
  image: string
  digest: string
  size?: number | null
  environment: string
  base_image?: string
  packages: string[]
  published_by: unknown
  published_at: string
  status: VersionStatus
  status_message?: string | null
  replacement?: string | null
  status_by?: string | null
  status_at?: string | null
  manifest?: Manifest
  lock?: string | null
  attestations?: { sbom?: string | null; provenance?: string | null; signature?: string | null }
  network?: string | null
  changelog?: string | null
  licence?: string | null
  tags?: string[]
  resources?: ResourceWish | null
  metrics?: Record<string, MetricRule> | null
  verified?: boolean
  prerelease?: boolean
}

export type Processor = {
  id: string
  slug: string
  name: string
  title: string
  description: string | null
  kind: Kind
  project_id: number
  project_path: string
  environment: string
  latest: ProcessorVersion | null
  versions?: ProcessorVersion[]
  usage_count: number
  input_types: string[]
  output_types: string[]
  created_at: string
  published_at?: string
  model_type?: string | null
  ml_category?: string | null
  tags?: string[]
  licence?: string | null
  framework?: string | null
  readme?: string | null
  visibility?: string
  star_count?: number
  verified?: boolean
  verified_at?: string | null
  usage?: { runs: number; users: number; recent_runs: number; recent_users: number }
  verification?: Verification | null
}

export type FacetCount = { value: string; count: number }
export type Market = Listing<Processor> & { facets?: Record<string, FacetCount[]> }

export type Changes = {
  from: { id: string; version: string }
  to: { id: string; version: string }
  parameters: { added: Parameter[]; removed: Parameter[]; changed: { name: string; field: string; before: unknown; after: unknown; breaking?: boolean }[] }
  environment: { before: string; after: string } | null
  packages: { added: string[]; removed: string[]; changed: { name: string; before: string; after: string }[] }
  breaking: boolean
  reasons?: string[]
}

export type TagSettings = { publish_on_tag: boolean; chosen: boolean | null }

export type Verification = {
  id: string
  version_id: string
  run_id: string | null
  status: string
  reason: string | null
  started_at: string
  finished_at: string | null
}

export type Publication = {
  id: string
  status: 'pending' | 'running' | 'succeeded' | 'failed'
  version: string | null
  version_id?: string | null
  processor: { id: string; slug: string } | null
  name: string
  pipeline_id: number | null
  job_id: number | null
  reason: string | null
  errors: SourceProblem[]
  project_id?: number
  ref?: string
  commit?: string
  entry?: string
  environment?: string
  changelog?: string | null
  trigger?: string
  created_by?: { id: number; username: string }
  created_at?: string
  started_at?: string | null
  finished_at?: string | null
}
