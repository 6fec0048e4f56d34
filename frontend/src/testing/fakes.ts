/** Made-up values of the API's shapes for unit tests. */
import type { Kind, Parameter, ParameterType, Processor, ProcessorVersion, Run, Step, StepStatus } from '@/api/types'

export function parameter(name: string, type: ParameterType, more: Partial<Parameter> = {}): Parameter {
  return {
    name, flag: `--${name}`, type, required: false, default: null, choices: null, min: null, max: null, multiple: false,
    nargs: null, help: null, unit: null, role: 'value', position: null, negated_flag: null, ...more,
  }
}

export function version(parameters: Parameter[]): ProcessorVersion {
  return {
    id: 'ver_1', version: '1.0.0', commit: 'c'.repeat(40), entry: 'a.py', parameters, image: 'host/a@sha256:0', digest: 'sha256:0',
    environment: 'python-3.11', packages: [], published_by: null, published_at: '2026-01-01T00:00:00Z', status: 'published',
  }
}

export function processor(slug: string, kind: Kind, parameters: Parameter[] = []): Processor {
  const latest = version(parameters)
  return {
    id: `prc_${slug}`, slug, name: slug.split('/').at(-1) ?? slug, title: '', description: null, kind, project_id: 1, project_path: 'g/p',
    environment: 'python-3.11', latest, versions: [latest], usage_count: 0, input_types: [], output_types: [], created_at: '2026-01-01T00:00:00Z',
  }
}

export function step(name: string, status: StepStatus, more: Partial<Step> = {}): Step {
  return {
    id: `stp_${name}`, name, processor: { slug: `g/p/${name}`, version: '1.0.0', version_id: 'ver_1', kind: 'operation' }, status,
    reason: null, message: null, exit_code: null, cached: false, cached_from: null, cache_key: null, cache_reason: null, parameters: {},
    inputs: {}, outputs: [], needs: [], machine: 'cpu-small', ci_job_id: null, started_at: null, finished_at: null, duration_s: null, ...more,
  }
}

export function run(more: Partial<Run> = {}): Run {
  return {
    id: 'run_1', number: 1, project_id: 1, project_path: 'g/data', name: 'r', kind: 'dataops', status: 'running', reason: null,
    created_at: '2026-01-01T00:00:00Z', started_at: null, finished_at: null, created_by: null,
    definition: { version: 1, name: 'r', kind: 'dataops', steps: [] }, steps: [], dataset: null, ci_pipeline_id: null, jobs_started: 0,
    cached_steps: 0, ...more,
  }
}
