/** A folder: branch, way there, last commit, entries as a list or as pictures, README below. */
import { Group, SegmentedControl, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import * as forge from '@/api/forge'
import { treeQuery } from '@/api/queries/projects'
import { ImageGrid } from '@/components/image-grid'
import { useProject } from '@/components/project-context'
import { Empty, Loading, QueryView } from '@/components/states'
import { plural } from '@/lib/format'
import { findReadme, isImage, joinPath } from '@/lib/paths'
import { EntryList } from './entry-list'
import { LastCommit } from './last-commit'
import { PathBar } from './path-bar'
import { UploadButton } from './upload'

const Markdown = lazy(() => import('@/components/markdown'))

export function Folder({ refName, path }: { refName: string; path: string }) {
  const { project, level } = useProject()
  const tree = useQuery(treeQuery(project.id, refName, path))
  return (
    <>
      <Group justify="space-between" mb="sm">
        <PathBar refName={refName} path={path} />
        {level >= 30 && <UploadButton branch={refName} path={path} />}
      </Group>
      <QueryView query={tree} isEmpty={(found) => found.entries.length === 0} empty={<Empty title="This folder is empty" />}>
        {({ entries, complete }) => <Entries refName={refName} path={path} entries={entries} complete={complete} />}
      </QueryView>
    </>
  )
}

function Entries({ refName, path, entries, complete }: { refName: string; path: string; entries: forge.TreeEntry[]; complete: boolean }) {
  const { project } = useProject()
  const pictures = entries.filter((entry) => entry.type === 'blob' && isImage(entry.name))
  const mostlyPictures = pictures.length >= 2 && pictures.length > entries.length / 2
  const [view, setView] = useState(mostlyPictures ? 'pictures' : 'list')
  const readme = findReadme(entries.filter((entry) => entry.type === 'blob').map((entry) => entry.name))
  return (
    <>
      <div className="panel">
        <div className="panel-head">
          <LastCommit refName={refName} path={path} />
          <Text size="sm" c="dimmed">{plural(entries.length, 'entry', 'entries')}{complete ? '' : ' shown, there are more'}</Text>
          {pictures.length > 0 && (
            <SegmentedControl size="xs" aria-label="View" value={view} onChange={setView} data={[{ value: 'list', label: 'List' }, { value: 'pictures', label: 'Pictures' }]} />
          )}
        </div>
        {view === 'pictures' && pictures.length > 0
          ? <ImageGrid pictures={pictures.map((entry) => ({ path: entry.path, source: forge.rawUrl(project.id, entry.path, refName) }))} />
          : <EntryList refName={refName} entries={entries} />}
      </div>
      {readme && <Readme refName={refName} path={joinPath(path, readme)} folder={path} />}
    </>
  )
}

function Readme({ refName, path, folder }: { refName: string; path: string; folder: string }) {
  const { project } = useProject()
  const source = forge.rawUrl(project.id, path, refName)
  const text = useQuery({ queryKey: ['text', source], queryFn: ({ signal }) => forge.readText(source, 500_000, signal), staleTime: 30_000 })
  return (
    <section className="panel" style={{ marginTop: 16 }} aria-label="README">
      <div className="panel-head"><Text size="sm" fw={600}>{path}</Text></div>
      <div className="panel-body">
        <QueryView query={text}>
          {(found) => (
            <Suspense fallback={<Loading />}>
              <Markdown text={found.text} resolve={(name) => forge.rawUrl(project.id, joinPath(folder, name), refName)} />
            </Suspense>
          )}
        </QueryView>
      </div>
    </section>
  )
}
