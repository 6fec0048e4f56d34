/** What a publishing form holds, and the order it becomes: only what differs from what the files say is ordered. */
import type { PublishOrder } from '@/api/management'
import type { Inspection, Kind, Manifest, Processor } from '@/api/types'
import { compareParameters, weightOf, type Difference } from '@/lib/changes'
import { formatBytes } from '@/lib/format'
import { nextVersion, type Weight } from '@/lib/versions'

export type Draft = {
  name: string
  version: string
  title: string
  description: string
  kind: Kind
  environment: string
  input_types: string[]
  output_types: string[]
  tags: string[]
  licence: string
  model_type: string
  ml_category: string
  network: string
  changelog: string
  consent: boolean
}

export function draftOf({ suggested }: Inspection): Draft {
  return {
    name: suggested.name,
    version: '',
    title: suggested.title ?? '',
    description: suggested.description ?? '',
    kind: suggested.kind,
    environment: suggested.environment ?? '',
    input_types: suggested.input_types ?? [],
    output_types: suggested.output_types ?? [],
    tags: suggested.tags ?? [],
    licence: suggested.licence ?? '',
    model_type: suggested.model_type ?? '',
    ml_category: suggested.ml_category ?? '',
    network: suggested.network ?? 'none',
    changelog: '',
    consent: false,
  }
}

const ORDERED = ['name', 'title', 'description', 'kind', 'environment', 'input_types', 'output_types', 'tags', 'licence', 'model_type', 'ml_category', 'network'] as const

export function toOrder(draft: Draft, found: Inspection): Omit<PublishOrder, 'ref' | 'entry'> {
  const before = draftOf(found)
  const changed = ORDERED.filter((key) => JSON.stringify(draft[key]) !== JSON.stringify(before[key]))
  const written = new Set(Object.keys(found.manifest ?? {}))
  // Guessed from the program, not written anywhere: it is ordered as it stands, so that what was shown is what comes.
  const guessed = (['name', 'kind', 'title', 'environment'] as const).filter((key) => !written.has(key))
  const keys = [...new Set([...changed, ...guessed])]
  return {
    ...Object.fromEntries(keys.map((key) => [key, draft[key]])),
    ...(draft.version.trim() ? { version: draft.version.trim() } : {}),
    ...(draft.changelog.trim() ? { changelog: draft.changelog.trim() } : {}),
    consent_network: draft.network === 'open' && draft.consent,
  }
}

export type Advice = { against: string; next: string | null; weight: Weight; difference: Difference }

/** The number that the changes since the latest version ask for; nothing for a first version. */
export function adviceFor(name: string, found: Inspection, published: Processor[]): Advice | null {
  const latest = published.find((one) => one.name === name)?.latest
  if (!latest) return null
  const difference = compareParameters(latest.parameters, found.parameters)
  const weight = weightOf(difference)
  return { against: latest.version, next: nextVersion(latest.version, weight), weight, difference }
}

const FIELDS: [keyof Manifest, string][] = [
  ['name', 'Name'], ['kind', 'Kind'], ['title', 'Title'], ['entry', 'Entry'], ['command', 'Command'], ['subcommand', 'Subcommand'], ['environment', 'Environment'],
  ['requirements', 'Requirements'], ['licence', 'Licence'], ['tags', 'Tags'], ['model_type', 'Task'], ['ml_category', 'Learning'], ['input_types', 'Data in'],
  ['output_types', 'Data out'], ['network', 'Network'], ['resources', 'Resources'], ['changelog', 'Changelog'], ['metrics', 'Metrics'], ['reference', 'Reference run'],
]

/** What a processor.yaml says, in words. */
export function described(manifest: Manifest): { title: string; text: string }[] {
  return FIELDS.flatMap(([key, title]) => {
    const value = manifest[key]
    if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) return []
    return [{ title, text: inWords(value) }]
  })
}

const inUnits = (key: string, value: unknown) => (typeof value === 'number' && (key === 'memory' || key === 'disk') ? formatBytes(value) : String(value))

function inWords(value: unknown): string {
  if (Array.isArray(value)) return value.join(', ')
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).filter(([, one]) => one !== null).map(([key, one]) => (typeof one === 'object' ? key : `${key} ${inUnits(key, one)}`)).join(', ')
  }
  return String(value)
}

/** Which fields of which parameters the processor.yaml sets. */
export function overrides(manifest: Manifest | undefined): Record<string, string[]> {
  const found: Record<string, string[]> = {}
  for (const [name, fields] of Object.entries(manifest?.parameters ?? {})) {
    const keys = Object.entries(fields ?? {}).filter(([key, value]) => key !== 'name' && value !== undefined).map(([key]) => key)
    if (keys.length > 0) found[name] = keys
  }
  return found
}
