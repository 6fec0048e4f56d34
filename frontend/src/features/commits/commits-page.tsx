/** The history of a branch, by day. */
import { Group, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import * as forge from '@/api/forge'
import { BranchPicker } from '@/components/branch-picker'
import { LinkAnchor, LinkButton } from '@/components/links'
import { useProject } from '@/components/project-context'
import { Id, PageHead, TimeAgo } from '@/components/small'
import { Empty, QueryView } from '@/components/states'

const PER_PAGE = 40

export function CommitsPage() {
  const { project, params } = useProject()
  const { ref } = useParams({ from: '/$ns/$slug/-/commits/$ref' })
  const { page = 1 } = useSearch({ from: '/$ns/$slug/-/commits/$ref' })
  const navigate = useNavigate()
  const to = '/$ns/$slug/-/commits/$ref'
  const commits = useQuery({
    queryKey: ['commits', project.id, ref, page],
    queryFn: () => forge.listCommits(project.id, { ref_name: ref, per_page: PER_PAGE, page }),
  })
  return (
    <>
      <PageHead title="Commits">
        <BranchPicker project={project.id} value={ref} onChange={(next) => void navigate({ to, params: { ...params, ref: next } })} />
      </PageHead>
      <QueryView query={commits} isEmpty={(found) => found.items.length === 0} empty={<Empty title="No commits yet" />}>
        {(found) => (
          <>
            {byDay(found.items).map(([day, group]) => (
              <section key={day} style={{ marginBottom: 18 }}>
                <Title order={2} size="h6" c="dimmed" mb={6}>{day}</Title>
                <div className="panel rows">
                  {group.map((commit) => (
                    <div key={commit.id}>
                      <div className="grow">
                        <LinkAnchor to="/$ns/$slug/-/commit/$sha" params={{ ...params, sha: commit.id }} fw={600}>{commit.title}</LinkAnchor>
                        <Text size="xs" c="dimmed">{commit.author_name}, <TimeAgo at={commit.committed_date} /></Text>
                      </div>
                      <Id value={commit.id} />
                      <LinkButton to="/$ns/$slug/-/tree/$ref/$" params={{ ...params, ref: commit.id, _splat: '' }} variant="subtle" size="compact-xs">Files</LinkButton>
                    </div>
                  ))}
                </div>
              </section>
            ))}
            <Group justify="center">
              {page > 1 && <LinkButton to={to} params={{ ...params, ref }} search={{ page: page - 1 }} variant="default">Newer</LinkButton>}
              {(found.next !== null || found.items.length === PER_PAGE) && <LinkButton to={to} params={{ ...params, ref }} search={{ page: page + 1 }} variant="default">Older</LinkButton>}
            </Group>
          </>
        )}
      </QueryView>
    </>
  )
}

function byDay(commits: forge.Commit[]): [string, forge.Commit[]][] {
  const days = new Map<string, forge.Commit[]>()
  for (const commit of commits) {
    const day = new Date(commit.committed_date).toLocaleDateString('en-GB', { dateStyle: 'long' })
    days.set(day, [...(days.get(day) ?? []), commit])
  }
  return [...days]
}
