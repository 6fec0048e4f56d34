/** One file: where it is, how large, what it holds. */
import { Button, Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useLocation, useParams } from '@tanstack/react-router'
import { Download } from 'lucide-react'
import * as forge from '@/api/forge'
import { FilePreview } from '@/components/file-preview'
import { useProject } from '@/components/project-context'
import { Copyable } from '@/components/small'
import { Failure } from '@/components/states'
import { Chip } from '@/components/status-badge'
import { formatBytes } from '@/lib/format'
import { baseName } from '@/lib/paths'
import { LastCommit } from './last-commit'
import { PathBar } from './path-bar'

export function BlobPage() {
  const { project } = useProject()
  const { ref, _splat: path = '' } = useParams({ from: '/$ns/$slug/-/blob/$ref/$' })
  const line = Number(/^L(\d+)$/.exec(useLocation({ select: (location) => location.hash }))?.[1]) || undefined
  const source = forge.rawUrl(project.id, path, ref)
  const facts = useQuery({ queryKey: ['facts', project.id, ref, path], queryFn: () => forge.getFileFacts(project.id, ref, path) })
  return (
    <>
      <Group mb="sm"><PathBar refName={ref} path={path} file /></Group>
      {facts.isError ? <Failure error={facts.error} retry={() => void facts.refetch()} /> : (
        <div className="panel">
          <div className="panel-head">
            <LastCommit refName={ref} path={path} />
            {facts.data?.lfs && <Chip tone="accent">LFS</Chip>}
            <Text size="sm" c="dimmed">{facts.data ? formatBytes(facts.data.size) : ''}</Text>
            <Copyable value={path} label="Copy the path" />
            <Button component="a" href={source} download={baseName(path)} variant="default" size="compact-sm" leftSection={<Download size={14} />}>Download</Button>
          </div>
          <FilePreview path={path} source={source} line={line} resolve={(name) => forge.rawUrl(project.id, name, ref)} />
        </div>
      )}
    </>
  )
}
