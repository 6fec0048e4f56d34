/** One file on the screen, whatever it is: picture, table, text, sound; else its facts and a download. */
import { Button, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Download } from 'lucide-react'
import { lazy, Suspense } from 'react'
import { readText } from '@/api/forge'
import { fileKind, isLfsPointer, parentPath, joinPath } from '@/lib/paths'
import { CsvTable } from './csv-table'
import { Failure, Loading } from './states'

const CodeView = lazy(() => import('./code-view'))
const Markdown = lazy(() => import('./markdown'))
const LIMIT = 2_000_000

type Props = { path: string; source: string; resolve?: (path: string) => string; line?: number }

export function FilePreview({ path, source, resolve, line }: Props) {
  const kind = fileKind(path)
  if (kind === 'image') {
    return <div className="checker"><img className="picture" src={source} alt={path} /></div>
  }
  if (kind === 'audio') {
    // oxlint-disable-next-line jsx-a11y/media-has-caption
    return <div className="panel-body"><audio controls src={source} style={{ width: '100%' }} /></div>
  }
  if (kind === 'binary') return <NoPreview source={source}>There is no preview for this kind of file.</NoPreview>
  return <TextPreview path={path} source={source} resolve={resolve} line={line} />
}

function TextPreview({ path, source, resolve, line }: Props) {
  const query = useQuery({ queryKey: ['text', source], queryFn: ({ signal }) => readText(source, LIMIT, signal), staleTime: 60_000 })
  if (query.isPending) return <div className="panel-body"><Loading /></div>
  if (query.isError) return <Failure error={query.error} retry={() => void query.refetch()} />
  const { text, complete } = query.data
  if (text.includes('\u0000')) return <NoPreview source={source}>This file is not text.</NoPreview>
  if (isLfsPointer(text)) return <NoPreview source={source}>The contents of this file are in large file storage.</NoPreview>
  const kind = fileKind(path)
  if (text === '') return <Text c="dimmed" p="md">This file is empty.</Text>
  if (kind === 'table') return <CsvTable text={text} complete={complete} />
  const folder = parentPath(path)
  return (
    <Suspense fallback={<div className="panel-body"><Loading /></div>}>
      {!complete && <Text size="sm" c="dimmed" px="md" py={6}>Only the beginning is shown.</Text>}
      {kind === 'markdown'
        ? <div className="panel-body"><Markdown text={text} resolve={resolve && ((name) => resolve(joinPath(folder, name)))} /></div>
        : <CodeView text={text} path={path} line={line} />}
    </Suspense>
  )
}

function NoPreview({ source, children }: { source: string; children: string }) {
  return (
    <div className="panel-body">
      <Text c="dimmed" mb="sm">{children}</Text>
      <Button component="a" href={source} download variant="default" leftSection={<Download size={16} />}>Download</Button>
    </div>
  )
}
