/** The experiment that a step of a run is. */
import * as management from '@/api/management'
import type { Experiment, Run } from '@/api/types'

const PER_PAGE = 100

/** Lists are newest first, so the search ends where runs are older than the one in question. */
export async function findExperiment(run: Run, step: string): Promise<Experiment | null> {
  for (let page = 1; ; page += 1) {
    const { items, total } = await management.listExperiments(run.project_id, { sort: '-number', page, per_page: PER_PAGE })
    const found = items.find((entry) => entry.run_id === run.id && entry.step === step)
    if (found) return found
    const oldest = items.at(-1)?.run_number ?? 0
    if (page * PER_PAGE >= total || oldest < run.number) return null
  }
}
