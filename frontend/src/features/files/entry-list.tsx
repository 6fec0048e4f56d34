/** Entries of a folder; ten thousand of them cost no more than thirty. */
import { TextInput } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { File, FileImage, FileSpreadsheet, FileText, FolderClosed, Search } from 'lucide-react'
import { useRef, useState } from 'react'
import type { TreeEntry } from '@/api/forge'
import { useProject } from '@/components/project-context'
import { fileKind, type FileKind } from '@/lib/paths'

const ROW = 36
const SEARCH_FROM = 40

export function EntryList({ refName, entries }: { refName: string; entries: TreeEntry[] }) {
  const [text, setText] = useState('')
  const frame = useRef<HTMLDivElement>(null)
  const wanted = text.toLowerCase()
  const shown = wanted ? entries.filter((entry) => entry.name.toLowerCase().includes(wanted)) : entries
  const rows = useVirtualizer({ count: shown.length, getScrollElement: () => frame.current, estimateSize: () => ROW, overscan: 12 })
  return (
    <>
      {entries.length >= SEARCH_FROM && (
        <TextInput m="xs" size="xs" leftSection={<Search size={14} />} placeholder="Find by name in this folder" aria-label="Find by name in this folder" value={text} onChange={(event) => setText(event.currentTarget.value)} />
      )}
      <div ref={frame} style={{ maxHeight: '68vh', overflowY: 'auto' }}>
        <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
          {rows.getVirtualItems().map((row) => {
            const entry = shown[row.index] as TreeEntry
            return (
              <div key={entry.path} style={{ position: 'absolute', top: row.start, left: 0, right: 0 }}>
                <EntryLink entry={entry} refName={refName} />
              </div>
            )
          })}
        </div>
      </div>
    </>
  )
}

function EntryLink({ entry, refName }: { entry: TreeEntry; refName: string }) {
  const { params } = useProject()
  const target = { ...params, ref: refName, _splat: entry.path }
  if (entry.type === 'tree') {
    return (
      <Link className="tree-row" to="/$ns/$slug/-/tree/$ref/$" params={target} preload={false}>
        <FolderClosed size={17} aria-label="Folder" color="#1f9aa0" />
        <span className="grow cut">{entry.name}</span>
      </Link>
    )
  }
  const Icon = ICONS[fileKind(entry.name)] ?? File
  return (
    <Link className="tree-row" to="/$ns/$slug/-/blob/$ref/$" params={target} preload={false}>
      <Icon size={17} aria-label="File" />
      <span className="grow cut">{entry.name}</span>
    </Link>
  )
}

const ICONS: Partial<Record<FileKind, typeof File>> = { image: FileImage, table: FileSpreadsheet, markdown: FileText, code: FileText }
