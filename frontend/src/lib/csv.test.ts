import { expect, test } from 'vitest'
import { guessSeparator, isNumeric, parseCsv } from './csv'

test('quotes, doubled quotes, separators and line ends inside quotes are kept', () => {
  const table = parseCsv('a,b\r\n"x, y","say ""hi"""\r\n"two\nlines",3\r\n')
  expect(table.header).toEqual(['a', 'b'])
  expect(table.rows).toEqual([['x, y', 'say "hi"'], ['two\nlines', '3']])
  expect(table.complete).toBe(true)
})

test('a last line without line end counts, and empty lines do not', () => {
  expect(parseCsv('a,b\n1,2\n\n3,4').rows).toEqual([['1', '2'], ['3', '4']])
})

test('the separator is the sign that the first line has most of', () => {
  expect(guessSeparator('a;b;c\n1,2;3;4')).toBe(';')
  expect(guessSeparator('a\tb')).toBe('\t')
  expect(guessSeparator('alone')).toBe(',')
})

test('reading stops at the limit and says so', () => {
  const table = parseCsv(`n\n${Array.from({ length: 100 }, (_, i) => i).join('\n')}`, { limit: 10 })
  expect(table.rows).toHaveLength(10)
  expect(table.complete).toBe(false)
})

test('a byte order mark is no part of the first name', () => {
  expect(parseCsv('\ufeffname\nx').header).toEqual(['name'])
})

test('a column is numeric when every filled cell is a number', () => {
  const rows = [['1', 'x'], ['', '2'], ['-1e-4', '3']]
  expect(isNumeric(rows, 0)).toBe(true)
  expect(isNumeric(rows, 1)).toBe(false)
})
