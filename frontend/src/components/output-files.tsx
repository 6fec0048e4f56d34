/** An output tree of a step: pictures as a grid, other files as a list with a preview. */
import { ActionIcon, Button, Modal, SegmentedControl, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Download, File } from 'lucide-react'
import { useState } from 'react'
import * as management from '@/api/management'
import { formatBytes, plural } from '@/lib/format'
import { baseName, isImage } from '@/lib/paths'
import { FilePreview } from './file-preview'
import { ImageGrid } from './image-grid'
import { Empty, Failure, Loading } from './states'

type Props = { run: string; step: string; output: string; files: number; bytes: number }

export function OutputFiles({ run, step, output, files, bytes }: Props) {
  const query = useInfiniteQuery({
    queryKey: ['output', run, step, output],
    queryFn: ({ pageParam }) => management.listOutputEntries(run, step, output, pageParam),
    initialPageParam: 1,
    getNextPageParam: (last) => (last.page * last.per_page < last.total ? last.page + 1 : undefined),
    staleTime: Infinity,
  })
  const [view, setView] = useState<string | null>(null)
  const [open, setOpen] = useState<string | null>(null)
  if (query.isPending) return <Loading />
  if (query.isError) return <Failure error={query.error} retry={() => void query.refetch()} />
  const entries = query.data.pages.flatMap((page) => page.items)
  if (entries.length === 0) return <Empty title="This output is empty" />
  const address = (path: string, inline = false) => management.outputUrl(run, step, output, path, inline)
  const pictures = entries.filter((entry) => isImage(entry.path))
  const shown = view ?? (pictures.length > entries.length / 2 ? 'pictures' : 'list')
  return (
    <section className="panel" aria-label={`Output ${output}`}>
      <div className="panel-head">
        <Text size="sm" fw={600} className="grow">{output} <Text span size="sm" c="dimmed">{plural(files, 'file')}, {formatBytes(bytes)}</Text></Text>
        {pictures.length > 0 && <SegmentedControl size="xs" aria-label="View" value={shown} onChange={setView} data={[{ value: 'list', label: 'List' }, { value: 'pictures', label: 'Pictures' }]} />}
      </div>
      {shown === 'pictures'
        ? <ImageGrid pictures={pictures.map((entry) => ({ path: entry.path, source: address(entry.path, true), note: formatBytes(entry.size) }))} height="56vh" />
        : (
          <div className="rows" style={{ maxHeight: '60vh', overflowY: 'auto' }}>
            {entries.map((entry) => (
              <div key={entry.path}>
                <File size={16} aria-hidden />
                <Button variant="subtle" size="compact-sm" className="cut" onClick={() => setOpen(entry.path)}>{entry.path}</Button>
                <span className="grow" />
                <Text size="sm" c="dimmed">{formatBytes(entry.size)}</Text>
                <ActionIcon component="a" href={address(entry.path)} download={baseName(entry.path)} variant="subtle" color="gray" aria-label={`Download ${entry.path}`}><Download size={16} /></ActionIcon>
              </div>
            ))}
          </div>
        )}
      {query.hasNextPage && <Button m="sm" variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>Show more</Button>}
      {open !== null && (
        <Modal opened onClose={() => setOpen(null)} size="xl" title={open} closeButtonProps={{ 'aria-label': 'Close' }}>
          <div className="panel"><FilePreview path={open} source={address(open, true)} /></div>
        </Modal>
      )}
    </section>
  )
}
