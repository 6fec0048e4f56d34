/** Choosing a branch and a folder or file on it. */
import { Breadcrumbs, Button, Group, Modal, Stack, Text, UnstyledButton, Anchor } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { File, FolderClosed } from 'lucide-react'
import { useRef, useState } from 'react'
import type { TreeEntry } from '@/api/forge'
import { treeQuery } from '@/api/queries/projects'
import { BranchPicker } from '@/components/branch-picker'
import { useProject } from '@/components/project-context'
import { Empty, QueryView } from '@/components/states'
import { crumbs, isImage } from '@/lib/paths'

type Props = { branch: string; path: string; onClose: () => void; onChoose: (source: { branch: string; path: string }) => void }

export function PathDialog({ branch: startBranch, path: startPath, onClose, onChoose }: Props) {
  const { project } = useProject()
  const [branch, setBranch] = useState(startBranch)
  const [path, setPath] = useState(startPath)
  const [file, setFile] = useState<string | null>(null)
  const tree = useQuery(treeQuery(project.id, branch, path))
  const chosen = file ?? path
  return (
    <Modal opened onClose={onClose} title="Choose the data to read" size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack>
        <BranchPicker project={project.id} label="Branch" value={branch} onChange={(next) => { setBranch(next); setPath(''); setFile(null) }} />
        <Breadcrumbs separatorMargin={6}>
          <Anchor component="button" type="button" onClick={() => { setPath(''); setFile(null) }}>{project.path}</Anchor>
          {crumbs(path).map((part) => (
            <Anchor key={part.path} component="button" type="button" onClick={() => { setPath(part.path); setFile(null) }}>{part.name}</Anchor>
          ))}
        </Breadcrumbs>
        <div className="panel">
          <QueryView query={tree} isEmpty={(found) => found.entries.length === 0} empty={<Empty title="Nothing here" />}>
            {(found) => <EntryChoice entries={found.entries} file={file} onFolder={(next) => { setPath(next); setFile(null) }} onFile={setFile} />}
          </QueryView>
        </div>
        <Group justify="space-between">
          <Text size="sm" c="dimmed" className="grow cut">{chosen ? `/${chosen}` : 'the whole project'} on {branch}</Text>
          <Button onClick={() => onChoose({ branch, path: chosen })} disabled={tree.isError}>{file ? 'Use this file' : 'Use this folder'}</Button>
        </Group>
      </Stack>
    </Modal>
  )
}

type ChoiceProps = { entries: TreeEntry[]; file: string | null; onFolder: (path: string) => void; onFile: (path: string | null) => void }

function EntryChoice({ entries, file, onFolder, onFile }: ChoiceProps) {
  const frame = useRef<HTMLDivElement>(null)
  const rows = useVirtualizer({ count: entries.length, getScrollElement: () => frame.current, estimateSize: () => 36, overscan: 10 })
  const pictures = entries.filter((entry) => isImage(entry.name)).length
  return (
    <>
      {pictures > 1 && <Text size="xs" c="dimmed" px="md" py={4}>{pictures} pictures in this folder</Text>}
      <div ref={frame} style={{ maxHeight: 320, overflowY: 'auto' }}>
        <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
          {rows.getVirtualItems().map((row) => {
            const entry = entries[row.index] as TreeEntry
            const folder = entry.type === 'tree'
            return (
              <UnstyledButton
                key={entry.path}
                className="tree-row"
                style={{ position: 'absolute', top: row.start, left: 0, right: 0, width: '100%' }}
                aria-pressed={folder ? undefined : file === entry.path}
                bg={file === entry.path ? 'var(--accent-soft)' : undefined}
                onClick={() => (folder ? onFolder(entry.path) : onFile(file === entry.path ? null : entry.path))}
              >
                {folder ? <FolderClosed size={16} color="#1f9aa0" aria-label="Folder" /> : <File size={16} aria-label="File" />}
                <span className="grow cut">{entry.name}</span>
              </UnstyledButton>
            )
          })}
        </div>
      </div>
    </>
  )
}
