/** What the form begins with: nothing, a processor from the marketplace, or an earlier run. */
import * as management from '@/api/management'
import type { Processor, ProcessorVersion, RunKind } from '@/api/types'
import { initialRaw, type Raw } from '@/lib/parameters'
import { resolveRange } from '@/lib/versions'
import { addStep, type Draft, type DraftStep } from '../draft'

type Start = { processor?: string; from?: string; branch: string; path?: string }

export async function loadStart(kind: RunKind, start: Start): Promise<Draft> {
  if (start.from) return fromRun(start.from)
  const draft: Draft = { kind, name: '', steps: [], targetBranch: '' }
  if (!start.processor) return draft
  const { processor, version, wanted } = await findVersion(start.processor)
  const steps = addStep([], processor, version, { branch: start.branch, path: start.path ?? '' })
  return { ...draft, name: processor.name, steps: steps.map((step) => ({ ...step, wanted })) }
}

async function fromRun(id: string): Promise<Draft> {
  const { definition } = await management.getRun(id)
  const steps = await Promise.all(
    definition.steps.map(async (step, index): Promise<DraftStep> => {
      const { processor, version, wanted } = await findVersion(step.processor)
      const raw: Record<string, Raw> = {}
      for (const parameter of version.parameters) {
        const given = step.parameters?.[parameter.name]
        raw[parameter.name] = initialRaw(given === undefined ? parameter : { ...parameter, default: given })
      }
      return { key: `old-${index}`, name: step.name, processor, version, wanted, raw, inputs: step.inputs ?? {}, machine: step.machine ?? null }
    }),
  )
  return { kind: definition.kind, name: definition.name, steps, targetBranch: '' }
}

/** `group/project/name@1.0.0`, or with a range, as the processor and the version that is meant now. */
async function findVersion(reference: string): Promise<{ processor: Processor; version: ProcessorVersion; wanted: string }> {
  const at = reference.lastIndexOf('@')
  const slug = at > 0 ? reference.slice(0, at) : reference
  const wanted = at > 0 ? reference.slice(at + 1) : 'latest'
  const processor = await management.getProcessor(slug)
  const version = resolveRange(processor.versions ?? [], wanted) ?? processor.latest
  if (!version) throw new Error(`${reference} is not published.`)
  return { processor, version, wanted: resolveRange(processor.versions ?? [], wanted) ? wanted : version.version }
}
