/** A publication as the phases a person waits for. */
import type { Publication } from '@/api/types'

export type Phase = { name: string; state: 'done' | 'now' | 'failed' | 'next'; seconds: number | null }

export function phasesOf(publication: Publication, now: number = Date.now()): Phase[] {
  const { status, created_at: made, started_at: begun, finished_at: ended } = publication
  const over = status === 'succeeded' || status === 'failed'
  const building = begun !== null && begun !== undefined
  const span = (from: string | null | undefined, to: string | null | undefined) =>
    from ? Math.max(0, ((to ? Date.parse(to) : now) - Date.parse(from)) / 1000) : null
  const wait: Phase = {
    name: 'Wait for a runner',
    state: building || status === 'running' || status === 'succeeded' ? 'done' : status === 'failed' ? 'failed' : 'now',
    seconds: span(made, begun ?? (over ? ended : null)),
  }
  const build: Phase = {
    name: 'Build, attest and sign the image',
    state: status === 'succeeded' ? 'done' : wait.state !== 'done' ? 'next' : status === 'failed' ? 'failed' : 'now',
    seconds: building ? span(begun, ended) : null,
  }
  return [wait, build, { name: 'Published', state: status === 'succeeded' ? 'done' : 'next', seconds: null }]
}

export const TRIGGERS: Record<string, string> = { user: 'by hand', tag: 'by a tag', republish: 'republished' }
