import { expect, test } from 'vitest'
import { formatBytes, formatCommand, formatCount, formatDuration, formatNumber, formatRelative } from './format'

test('sizes, durations and numbers are short and exact enough', () => {
  expect([0, 1023, 1536, 5_000_000_000].map(formatBytes)).toEqual(['0 B', '1023 B', '1.5 KiB', '4.7 GiB'])
  expect([0.2, 5.25, 61, 7300].map(formatDuration)).toEqual(['200 ms', '5.3 s', '1 min 1 s', '2 h 1 min'])
  expect([1e-4, 0.123456789, 12, 1.5e9, null].map((value) => formatNumber(value))).toEqual(['1e-4', '0.12346', '12', '1.5e+9', '–'])
})

test('moments are told relative to now', () => {
  const now = Date.parse('2026-01-02T00:00:00Z')
  expect(formatRelative('2026-01-01T23:59:50Z', now)).toBe('just now')
  expect(formatRelative('2026-01-01T22:00:00Z', now)).toBe('2 hours ago')
})

test('large counts are short', () => {
  expect([0, 999, 1000, 1234, 9960, 123_456, 2_500_000].map(formatCount)).toEqual(['0', '999', '1k', '1.2k', '10k', '123k', '2.5M'])
})

test('a command is quoted where a shell needs it, and programs inside are cut', () => {
  expect(formatCommand(['python3', '-c', 'x'.repeat(300), 'a b', "it's"])).toBe(`python3 -c "…" 'a b' 'it'\\''s'`)
})
