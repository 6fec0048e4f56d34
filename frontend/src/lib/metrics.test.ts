import { expect, test } from 'vitest'
import { align, append, bestOf, fromSeries, smooth } from './metrics'

const point = (step: number | null, value: number) => ({ key: 'loss', step, value })

test('points that come late or twice stand once and in order', () => {
  const first = append({}, [point(0, 1), point(2, 0.5)])
  const then = append(first, [point(1, 0.7), point(2, 0.4)])
  expect(then.loss).toEqual({ steps: [0, 1, 2], values: [1, 0.7, 0.4] })
  expect(first.loss).toEqual({ steps: [0, 2], values: [1, 0.5] })
})

test('a point without step follows the last one, and what is no number is left out', () => {
  expect(append({}, [point(null, 1), point(null, 2), point(5, Number.NaN)]).loss).toEqual({ steps: [0, 1], values: [1, 2] })
})

test('ten thousand points are added in a moment', () => {
  const many = Array.from({ length: 10_000 }, (_, step) => point(step, step))
  expect(append({}, many).loss?.steps).toHaveLength(10_000)
})

test('curves with different steps are laid over their union', () => {
  const aligned = align([{ steps: [0, 2], values: [1, 3] }, { steps: [1, 2], values: [5, 6] }])
  expect(aligned).toEqual([[0, 1, 2], [1, null, 3], [null, 5, 6]])
})

test('gaps of the server are left out', () => {
  expect(fromSeries({ a: { steps: [0, 1, 2], values: [1, null, 3], times_ms: [] } }).a).toEqual({ steps: [0, 2], values: [1, 3] })
})

test('smoothing keeps the first value and the number of points', () => {
  const curve = smooth({ steps: [0, 1, 2], values: [4, 0, 0] }, 0.5)
  expect(curve.values[0]).toBe(4)
  expect(curve.values[2]).toBeLessThan(curve.values[1] as number)
})

test('the best loss is the lowest and the best accuracy the highest', () => {
  expect([...bestOf('val_loss', [0.3, 0.1, null])]).toEqual([1])
  expect([...bestOf('accuracy', [0.3, 0.9, 0.9])]).toEqual([1, 2])
  expect(bestOf('accuracy', [0.5, 0.5]).size).toBe(0)
  expect(bestOf('accuracy', [0.5, null]).size).toBe(0)
})
