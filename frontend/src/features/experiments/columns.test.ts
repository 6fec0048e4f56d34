import { expect, test } from 'vitest'
import { direction, nextSort } from './columns'

test('clicks go from greatest first to smallest first to the order of the server', () => {
  const clicks = (column: string) => [undefined, nextSort(column, undefined), nextSort(column, nextSort(column, undefined))]
  expect(clicks('metric:accuracy')).toEqual([undefined, 'metric:accuracy', '-metric:accuracy'])
  expect(clicks('created_at')).toEqual([undefined, '-created_at', 'created_at'])
  expect(nextSort('metric:accuracy', '-metric:accuracy')).toBeUndefined()
})

test('the arrow tells the direction as the server means it', () => {
  expect(direction('metric:loss', 'metric:loss')).toBe('descending')
  expect(direction('created_at', 'created_at')).toBe('ascending')
  expect(direction('created_at', 'number')).toBeUndefined()
})
