/** What tells processors apart at a glance: kind, whether verified, whether still to be used. */
import { Tooltip } from '@mantine/core'
import { Archive, BadgeCheck, BrainCircuit, ChartSpline, TriangleAlert, Wand2 } from 'lucide-react'
import type { Kind, Processor } from '@/api/types'

const ICONS: Record<Kind, typeof Wand2> = { operation: Wand2, algorithm: BrainCircuit, visualization: ChartSpline }

export function KindIcon({ kind, size = 18 }: { kind: Kind; size?: number }) {
  const Icon = ICONS[kind] ?? Wand2
  return <span className="kind-icon" data-kind={kind} title={kind}><Icon size={size} aria-hidden /></span>
}

export function Verified({ processor, word = false }: { processor: Processor; word?: boolean }) {
  if (!processor.verified) return null
  return (
    <Tooltip label="The last run of its newest version on its reference data passed" multiline maw={260}>
      <span className="status" data-tone="good"><BadgeCheck size={14} aria-hidden />{word ? 'verified' : <span className="sr-only">verified</span>}</span>
    </Tooltip>
  )
}

/** Deprecated or unpublished; nothing for a version in use. */
export function VersionState({ status }: { status: string | undefined }) {
  if (status === 'deprecated') return <span className="status" data-tone="wait"><TriangleAlert size={13} aria-hidden />deprecated</span>
  if (status === 'unpublished') return <span className="status" data-tone="bad"><Archive size={13} aria-hidden />unpublished</span>
  return null
}
