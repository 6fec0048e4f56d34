/** Files of the browser into commits: folders walked, contents as base64, batches of bounded size. */
import * as forge from '@/api/forge'
import { joinPath, parentPath } from '@/lib/paths'

export type Picked = { file: File; path: string }
type Order = { project: number; branch: string; folder: string; files: Picked[]; message: string; onProgress: (done: number) => void }

const BATCH_FILES = 200
const BATCH_BYTES = 24 * 1024 * 1024

export async function commitUpload({ project, branch, folder, files, message, onProgress }: Order): Promise<void> {
  const known = await existing(project, branch, folder, files)
  let done = 0
  for (const group of batches(files)) {
    const actions = await Promise.all(
      group.map(async ({ file, path }): Promise<forge.CommitAction> => {
        const target = joinPath(folder, path)
        return { action: known.has(target) ? 'update' : 'create', file_path: target, content: await base64(file), encoding: 'base64' }
      }),
    )
    await forge.commitFiles(project, { branch, commit_message: message, actions })
    done += group.length
    onProgress(done)
  }
}

export function batches(files: Picked[]): Picked[][] {
  const groups: Picked[][] = []
  let bytes = 0
  for (const picked of files) {
    const last = groups.at(-1)
    if (!last || last.length >= BATCH_FILES || bytes + picked.file.size > BATCH_BYTES) {
      groups.push([picked])
      bytes = picked.file.size
    } else {
      last.push(picked)
      bytes += picked.file.size
    }
  }
  return groups
}

/** Which targets are already there: GitLab wants "update" for those and "create" for the others. */
async function existing(project: number, branch: string, folder: string, files: Picked[]): Promise<Set<string>> {
  const folders = new Set(files.map(({ path }) => joinPath(folder, parentPath(path))))
  const known = new Set<string>()
  for (const path of folders) {
    const tree = await forge.listTree(project, branch, path).catch(() => ({ entries: [] }))
    for (const entry of tree.entries) known.add(entry.path)
  }
  return known
}

async function base64(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  const parts: string[] = []
  for (let at = 0; at < bytes.length; at += 0x8000) parts.push(String.fromCharCode(...bytes.subarray(at, at + 0x8000)))
  return btoa(parts.join(''))
}

/** Dropped things, folders walked through. */
export async function droppedFiles(transfer: DataTransfer): Promise<Picked[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null)
  const picked: Picked[] = []
  for (const entry of entries) await walk(entry, '', picked)
  return picked
}

async function walk(entry: FileSystemEntry, folder: string, picked: Picked[]): Promise<void> {
  const path = joinPath(folder, entry.name)
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
    picked.push({ file, path })
    return
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  for (;;) {
    const children = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (children.length === 0) return
    for (const child of children) await walk(child, path, picked)
  }
}
