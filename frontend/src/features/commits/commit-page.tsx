/** One commit: its message and what it changed. */
import { Group, Text } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { Button } from '@mantine/core'
import { lazy, Suspense } from 'react'
import * as forge from '@/api/forge'
import { LinkButton } from '@/components/links'
import { useProject } from '@/components/project-context'
import { Id, PageHead, TimeAgo } from '@/components/small'
import { Failure, Loading, QueryView } from '@/components/states'
import { Chip } from '@/components/status-badge'
import { plural } from '@/lib/format'

const FileChange = lazy(() => import('./file-change'))

export function CommitPage() {
  const { project, params } = useProject()
  const { sha } = useParams({ from: '/$ns/$slug/-/commit/$sha' })
  const commit = useQuery({ queryKey: ['commit', project.id, sha], queryFn: () => forge.getCommit(project.id, sha) })
  return (
    <QueryView query={commit} skeleton="page">
      {(found) => (
        <>
          <PageHead title={found.title} note={<>{found.author_name}, <TimeAgo at={found.committed_date} /></>}>
            <Id value={found.id} />
            <LinkButton to="/$ns/$slug/-/tree/$ref/$" params={{ ...params, ref: found.id, _splat: '' }} variant="default" size="compact-sm">Browse files</LinkButton>
          </PageHead>
          {found.message.trim() !== found.title.trim() && (
            <Text component="pre" size="sm" className="panel panel-body" mb="md" style={{ whiteSpace: 'pre-wrap' }}>{found.message.split('\n').slice(1).join('\n').trim()}</Text>
          )}
          <Group mb="sm" gap="xs">
            {found.stats && <><Chip tone="good">+{found.stats.additions}</Chip><Chip tone="bad">−{found.stats.deletions}</Chip></>}
            {found.parent_ids.map((parent) => <span key={parent}><Text span size="sm" c="dimmed">parent </Text><Id value={parent} /></span>)}
          </Group>
          <Changes sha={found.id} parent={found.parent_ids[0] ?? null} />
        </>
      )}
    </QueryView>
  )
}

function Changes({ sha, parent }: { sha: string; parent: string | null }) {
  const { project } = useProject()
  const diffs = useInfiniteQuery({
    queryKey: ['diff', project.id, sha],
    queryFn: ({ pageParam }) => forge.listDiffs(project.id, sha, pageParam),
    initialPageParam: 1,
    getNextPageParam: (last) => last.next,
  })
  if (diffs.isPending) return <Loading />
  if (diffs.isError) return <Failure error={diffs.error} retry={() => void diffs.refetch()} />
  const files = diffs.data.pages.flatMap((part) => part.items)
  return (
    <Suspense fallback={<Loading />}>
      <Text size="sm" c="dimmed" mb="xs">{plural(files.length, 'file')} {diffs.hasNextPage ? 'shown' : 'changed'}</Text>
      {files.map((file) => <FileChange key={`${file.old_path}:${file.new_path}`} file={file} sha={sha} parent={parent} />)}
      {diffs.hasNextPage && <Button variant="default" loading={diffs.isFetchingNextPage} onClick={() => void diffs.fetchNextPage()}>Show more files</Button>}
    </Suspense>
  )
}
