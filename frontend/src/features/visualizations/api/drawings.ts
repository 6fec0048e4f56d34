/** A visualization run and the pictures it wrote. */
import { outputUrl } from '@/api/management'
import type { Run } from '@/api/types'
import type { Picture } from '@/components/image-grid'

type Listed = Partial<Run> & {
  run_id?: string
  pictures?: { step: string; output: string; path: string; size?: number }[]
  files?: { step: string; output: string; path: string; size?: number }[]
}
export type Drawing = { runId: string; name: string; number: number | null; status: string; at: string | null; pictures: Picture[] }

export function toDrawing(item: Listed): Drawing {
  const runId = item.run_id ?? item.id ?? ''
  const pictures = (item.pictures ?? item.files ?? []).map((file) => ({ path: file.path, source: outputUrl(runId, file.step, file.output, file.path, true) }))
  return { runId, name: item.name ?? '', number: item.number ?? null, status: item.status ?? 'success', at: item.finished_at ?? item.created_at ?? null, pictures }
}
