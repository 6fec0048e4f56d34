/** A dataset in a list, whether the server sends the run with its dataset or the dataset with its run. */
import type { Dataset, Run } from '@/api/types'

type Flat = Partial<Dataset> & { run_id?: string }
export type DatasetRow = { runId: string; name: string; number: number | null; at: string | null; dataset: Dataset | null }

export function toDatasetRow(item: Partial<Run> & Flat): DatasetRow {
  const dataset = item.dataset ?? (item.branch && item.commit ? { branch: item.branch, commit: item.commit, path: item.path ?? '', files: item.files ?? 0, bytes: item.bytes ?? 0 } : null)
  return { runId: item.run_id ?? item.id ?? '', name: item.name ?? dataset?.branch ?? '', number: item.number ?? null, at: item.finished_at ?? item.created_at ?? null, dataset }
}
