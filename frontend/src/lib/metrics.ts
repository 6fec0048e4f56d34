/** Curves without React: points as they arrive, kept in order, and lined up for one chart. */
import type { MetricSeries } from '@/api/types'

export type Point = { key: string; value: number | null; step: number | null; time_ms?: number | null }
export type Curve = { steps: number[]; values: number[] }
export type Curves = Record<string, Curve>

export function fromSeries(keys: Record<string, MetricSeries>): Curves {
  const curves: Curves = {}
  for (const [key, series] of Object.entries(keys)) {
    // A program that names no steps has them all at zero: then the order of its points is the step.
    const unnamed = series.steps.length > 1 && series.steps.every((step) => !step)
    const points = series.values.flatMap((value, index) =>
      value === null ? [] : [{ key, value, step: unnamed ? index : (series.steps[index] ?? index) }],
    )
    curves[key] = append({}, points)[key] ?? { steps: [], values: [] }
  }
  return curves
}

/** Curves as fetched, with what arrived since. */
export function merge(base: Curves, news: Curves): Curves {
  const points = Object.entries(news).flatMap(([key, curve]) => curve.steps.map((step, index) => ({ key, step, value: curve.values[index] ?? null })))
  return append(base, points)
}

/** New points into old curves: a later value for the same step replaces the earlier one. */
export function append(curves: Curves, points: Point[]): Curves {
  const result: Curves = { ...curves }
  const touched = new Set<string>()
  for (const point of points) {
    if (point.value === null || !Number.isFinite(point.value)) continue
    let curve = result[point.key]
    if (!curve || !touched.has(point.key)) {
      curve = { steps: [...(curve?.steps ?? [])], values: [...(curve?.values ?? [])] }
      result[point.key] = curve
      touched.add(point.key)
    }
    insert(curve, point.step ?? (curve.steps.at(-1) ?? -1) + 1, point.value)
  }
  return result
}

function insert(curve: Curve, step: number, value: number): void {
  const { steps, values } = curve
  let at = steps.length
  while (at > 0 && (steps[at - 1] as number) > step) at -= 1
  if (at > 0 && steps[at - 1] === step) values[at - 1] = value
  else {
    steps.splice(at, 0, step)
    values.splice(at, 0, value)
  }
}

export type Aligned = [number[], ...(number | null)[][]]

/** Several curves on the union of their steps; a step a curve does not have is a gap to be spanned. */
export function align(curves: Curve[]): Aligned {
  const steps = [...new Set(curves.flatMap((curve) => curve.steps))].sort((a, b) => a - b)
  const columns = curves.map((curve) => {
    const at = new Map(curve.steps.map((step, index) => [step, curve.values[index] as number]))
    return steps.map((step) => at.get(step) ?? null)
  })
  return [steps, ...columns]
}

/** Exponential smoothing with the bias of the first values removed. */
export function smooth(curve: Curve, weight: number): Curve {
  if (weight <= 0) return curve
  let last = 0
  let norm = 0
  const values = curve.values.map((value) => {
    last = last * weight + (1 - weight) * value
    norm = norm * weight + (1 - weight)
    return last / norm
  })
  return { steps: curve.steps, values }
}

const LOWER_IS_BETTER = /loss|error|mae|mse|rmse|time|duration|latency|perplexity/i

export function lowerIsBetter(metric: string): boolean {
  return LOWER_IS_BETTER.test(metric)
}

/** Places of the best values in a row; none when fewer than two rows have one, or all are the same. */
export function bestOf(metric: string, values: (number | null)[]): Set<number> {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value))
  if (known.length < 2 || known.every((value) => value === known[0])) return new Set()
  const best = lowerIsBetter(metric) ? Math.min(...known) : Math.max(...known)
  return new Set(values.flatMap((value, index) => (value === best ? [index] : [])))
}
