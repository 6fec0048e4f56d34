/** A complete data pipeline with one step, to be filled in and run from the command line. */
import type { Kind, Processor, ProcessorVersion, RunKind } from '@/api/types'
import { parseVersion } from '@/lib/versions'

const RUNS: Record<Kind, RunKind> = { operation: 'dataops', algorithm: 'experiment', visualization: 'visualization' }

export function pipelineOf(processor: Processor, version: ProcessorVersion): string {
  const inputs = version.parameters.filter((one) => one.role === 'input')
  const values = version.parameters.filter((one) => one.role === 'value' && (one.required || one.default !== null))
  const [major, minor] = parseVersion(version.version) ?? []
  const wanted = major === undefined || version.status !== 'published' ? version.version : `^${major}.${minor}`
  return [
    'version: 1',
    `name: ${processor.name}`,
    `kind: ${RUNS[processor.kind]}`,
    'steps:',
    `  - name: ${processor.name.replace(/[^a-z0-9-]/g, '-')}`,
    `    processor: ${processor.slug}@${wanted}`,
    '    inputs:',
    ...(inputs.length > 0 ? inputs : [{ name: 'input' }]).map((one) => `      ${one.name}: {branch: main, path: data}`),
    ...(values.length > 0 ? ['    parameters:', ...values.map((one) => `      ${one.name}: ${one.default === null || one.default === undefined ? '# required' : JSON.stringify(one.default)}`)] : []),
    '',
  ].join('\n')
}
