/** The start page: your projects, what ran last, what you starred. */
import { Group, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { useQueries, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Workflow } from 'lucide-react'
import type { Project } from '@/api/forge'
import { projectsQuery } from '@/api/queries/projects'
import { runsQuery } from '@/api/queries/runs'
import { useSession } from '@/api/queries/session'
import type { Run } from '@/api/types'
import { LinkAnchor } from '@/components/links'
import { PageHead, TimeAgo } from '@/components/small'
import { Empty, QueryView } from '@/components/states'
import { StatusBadge } from '@/components/status-badge'
import { splitProjectPath } from '@/lib/paths'
import { CreateMenu } from './create-menu'
import { ProjectCard } from './project-card'

const MINE = { membership: true, order_by: 'last_activity_at', per_page: 20 }
const SHOWN = 6
const STARRED = { starred: true, order_by: 'last_activity_at', per_page: 6 }

export function DashboardPage() {
  const session = useSession()
  const mine = useQuery(projectsQuery(MINE))
  const starred = useQuery(projectsQuery(STARRED))
  return (
    <div>
      <PageHead title={`Hello, ${session.data?.name ?? ''}`}><CreateMenu /></PageHead>
      <Stack gap="xl">
        <section aria-labelledby="mine">
          <Group justify="space-between" mb="xs">
            <Title order={2} size="h4" id="mine">Your projects</Title>
            <LinkAnchor to="/projects" size="sm">All projects</LinkAnchor>
          </Group>
          <QueryView
            query={mine}
            skeleton="cards"
            isEmpty={(found) => found.items.length === 0}
            empty={<Empty title="No projects yet" action={<CreateMenu />}>Create a data project and push images with git, or browse the <LinkAnchor to="/marketplace" size="sm">marketplace</LinkAnchor>.</Empty>}
          >
            {(found) => <div className="card-grid">{found.items.slice(0, SHOWN).map((project) => <ProjectCard key={project.id} project={project} />)}</div>}
          </QueryView>
        </section>
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl">
          <RecentRuns projects={(mine.data?.items ?? []).filter((project) => !project.topics?.includes('code-project'))} />
          <section aria-labelledby="starred">
            <Title order={2} size="h4" id="starred" mb="xs">Starred</Title>
            <QueryView query={starred} isEmpty={(found) => found.items.length === 0} empty={<Text c="dimmed" size="sm">Star a project and it is listed here.</Text>}>
              {(found) => (
                <div className="panel rows">
                  {found.items.map((project) => (
                    <Link key={project.id} to="/$ns/$slug" params={splitProjectPath(project.path_with_namespace)}>
                      <span className="grow cut">{project.path_with_namespace}</span>
                      <Text size="xs" c="dimmed"><TimeAgo at={project.last_activity_at} /></Text>
                    </Link>
                  ))}
                </div>
              )}
            </QueryView>
          </section>
        </SimpleGrid>
      </Stack>
    </div>
  )
}

function RecentRuns({ projects }: { projects: Project[] }) {
  const answers = useQueries({ queries: projects.map((project) => runsQuery(project.id, { per_page: 5 })) })
  const runs: Run[] = answers
    .flatMap((answer) => answer.data?.items ?? [])
    .sort((a, b) => b.created_at.localeCompare(a.created_at))
    .slice(0, 8)
  return (
    <section aria-labelledby="recent">
      <Title order={2} size="h4" id="recent" mb="xs">Recent runs</Title>
      {runs.length === 0 ? (
        <Text c="dimmed" size="sm"><Workflow size={14} aria-hidden /> Runs of your projects are listed here.</Text>
      ) : (
        <div className="panel rows">
          {runs.map((run) => (
            <Link key={run.id} to="/$ns/$slug/-/runs/$runId" params={{ ...splitProjectPath(run.project_path), runId: run.id }}>
              <StatusBadge status={run.status} />
              <span className="grow cut">{run.name} <Text span size="xs" c="dimmed">#{run.number} · {run.project_path}</Text></span>
              <Text size="xs" c="dimmed"><TimeAgo at={run.created_at} /></Text>
            </Link>
          ))}
        </div>
      )}
    </section>
  )
}
