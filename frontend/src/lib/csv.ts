/** A small CSV reader for previews: quotes, doubled quotes, any line end, three separators, a row limit. */

export type Table = { header: string[]; rows: string[][]; complete: boolean }

export function guessSeparator(text: string): string {
  const line = text.slice(0, text.search(/[\r\n]|$/))
  const counts = [',', ';', '\t'].map((sign) => ({ sign, count: line.split(sign).length }))
  return counts.sort((a, b) => b.count - a.count)[0]?.sign ?? ','
}

export function parseCsv(text: string, options: { separator?: string; limit?: number } = {}): Table {
  const separator = options.separator ?? guessSeparator(text)
  const limit = (options.limit ?? 10_000) + 1
  const records: string[][] = []
  let record: string[] = []
  let cell = ''
  let quoted = false
  let index = text.charCodeAt(0) === 0xfeff ? 1 : 0

  const endRecord = () => {
    record.push(cell)
    cell = ''
    if (record.length > 1 || record[0] !== '') records.push(record)
    record = []
  }

  for (; index < text.length && records.length < limit; index += 1) {
    const char = text[index]
    if (quoted) {
      if (char !== '"') cell += char
      else if (text[index + 1] === '"') {
        cell += '"'
        index += 1
      } else quoted = false
    } else if (char === '"' && cell === '') quoted = true
    else if (char === separator) {
      record.push(cell)
      cell = ''
    } else if (char === '\n') endRecord()
    else if (char === '\r') {
      if (text[index + 1] === '\n') index += 1
      endRecord()
    } else cell += char
  }
  const complete = index >= text.length
  if (complete && (cell !== '' || record.length > 0)) endRecord()
  const [header = [], ...rows] = records
  return { header, rows, complete }
}

/** A column of numbers is set flush right. */
export function isNumeric(rows: string[][], column: number): boolean {
  const cells = rows.slice(0, 50).map((row) => row[column] ?? '').filter((cell) => cell !== '')
  return cells.length > 0 && cells.every((cell) => Number.isFinite(Number(cell)))
}
