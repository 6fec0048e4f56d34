/** A CSV file as a table; only the rows in view exist. */
import { Text } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useMemo, useRef } from 'react'
import { isNumeric, parseCsv } from '@/lib/csv'
import { plural } from '@/lib/format'

export function CsvTable({ text, complete = true }: { text: string; complete?: boolean }) {
  const table = useMemo(() => parseCsv(text), [text])
  const numeric = useMemo(() => table.header.map((_, column) => isNumeric(table.rows, column)), [table])
  const frame = useRef<HTMLDivElement>(null)
  const rows = useVirtualizer({ count: table.rows.length, getScrollElement: () => frame.current, estimateSize: () => 29, overscan: 12 })
  const items = rows.getVirtualItems()
  const before = items[0]?.start ?? 0
  const after = rows.getTotalSize() - (items.at(-1)?.end ?? 0)
  return (
    <>
      <Text size="sm" c="dimmed" px="md" py={6}>
        {plural(table.rows.length, 'row')}{complete && table.complete ? '' : ' shown, the file is longer'}, {plural(table.header.length, 'column')}
      </Text>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <section className="grid-table" ref={frame} tabIndex={0} aria-label="Table">
        <table>
          <thead><tr>{table.header.map((name, column) => <th key={column} className={numeric[column] ? 'num' : undefined} scope="col">{name}</th>)}</tr></thead>
          <tbody>
            {before > 0 && <tr aria-hidden><td style={{ height: before }} colSpan={table.header.length} /></tr>}
            {items.map((item) => (
              <tr key={item.key}>
                {table.header.map((_, column) => <td key={column} className={numeric[column] ? 'num' : undefined}>{table.rows[item.index]?.[column]}</td>)}
              </tr>
            ))}
            {after > 0 && <tr aria-hidden><td style={{ height: after }} colSpan={table.header.length} /></tr>}
          </tbody>
        </table>
      </section>
    </>
  )
}
