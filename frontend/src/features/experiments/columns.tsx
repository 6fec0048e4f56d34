/** The columns an experiment table can have, and the button that sorts by one. */
import { ArrowDown, ArrowUp } from 'lucide-react'
import type { Experiment } from '@/api/types'

export type Column = { key: string; name: string; label: string; kind: 'metric' | 'parameter' }

/** Metrics first, then parameters; each by name. */
export function columnsOf(experiments: Experiment[]): Column[] {
  const names = (pick: (experiment: Experiment) => object) => [...new Set(experiments.flatMap((experiment) => Object.keys(pick(experiment) ?? {})))].sort()
  return [
    ...names((experiment) => experiment.metrics).map((name): Column => ({ key: `metric:${name}`, name, label: name, kind: 'metric' })),
    ...names((experiment) => experiment.parameters).map((name): Column => ({ key: `parameter:${name}`, name, label: name, kind: 'parameter' })),
  ]
}

/** The server lists metrics and parameters greatest first, everything else smallest first; a minus turns it round. */
export function direction(column: string, sort: string | undefined): 'descending' | 'ascending' | undefined {
  const falling = column.includes(':')
  if (sort === column) return falling ? 'descending' : 'ascending'
  if (sort === `-${column}`) return falling ? 'ascending' : 'descending'
  return undefined
}

/** First click: greatest first; second: smallest first; third: the order of the server. */
export function nextSort(column: string, sort: string | undefined): string | undefined {
  const [down, up] = column.includes(':') ? [column, `-${column}`] : [`-${column}`, column]
  const now = direction(column, sort)
  if (now === undefined) return down
  return now === 'descending' ? up : undefined
}

type Props = { label: string; column: string; sort: string | undefined; onSort: (sort: string | undefined) => void }

export function SortButton({ label, column, sort, onSort }: Props) {
  return (
    <button type="button" className="sort" onClick={() => onSort(nextSort(column, sort))}>
      {label}
      {direction(column, sort) === 'ascending' && <ArrowUp size={13} aria-hidden />}
      {direction(column, sort) === 'descending' && <ArrowDown size={13} aria-hidden />}
    </button>
  )
}
