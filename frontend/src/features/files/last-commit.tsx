/** The commit that last changed a folder or file. */
import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import * as forge from '@/api/forge'
import { LinkAnchor } from '@/components/links'
import { useProject } from '@/components/project-context'
import { TimeAgo } from '@/components/small'

export function LastCommit({ refName, path }: { refName: string; path: string }) {
  const { project, params } = useProject()
  const query = useQuery({
    queryKey: ['last-commit', project.id, refName, path],
    queryFn: () => forge.listCommits(project.id, { ref_name: refName, path, per_page: 1 }),
  })
  const commit = query.data?.items[0]
  if (!commit) return <span className="grow" />
  return (
    <Text size="sm" className="grow cut">
      <strong>{commit.author_name}</strong>{' '}
      <LinkAnchor to="/$ns/$slug/-/commit/$sha" params={{ ...params, sha: commit.id }} size="sm">{commit.title}</LinkAnchor>{' '}
      <Text span size="sm" c="dimmed"><TimeAgo at={commit.committed_date} /></Text>
    </Text>
  )
}
