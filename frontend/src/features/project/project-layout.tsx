/** The frame of a project: header, side navigation, and the page inside. */
import { Alert, Container, Loader, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Outlet, useParams } from '@tanstack/react-router'
import { projectQuery } from '@/api/queries/projects'
import { LinkAnchor } from '@/components/links'
import { ProjectProvider, viewOf } from '@/components/project-context'
import { Failure, Loading } from '@/components/states'
import { splitProjectPath } from '@/lib/paths'
import { ProjectHeader } from './project-header'
import { ProjectNav } from './project-nav'

export function ProjectLayout() {
  const { ns, slug } = useParams({ from: '/$ns/$slug' })
  const options = projectQuery(`${ns}/${slug}`)
  const query = useQuery({
    ...options,
    refetchInterval: ({ state }) => (busy(state.data?.import_status) ? 1000 : false),
  })
  if (query.isPending) return <Container size="lg" py="lg"><Loading kind="page" /></Container>
  if (query.data === undefined) return <Failure error={query.error} retry={() => void query.refetch()} />
  const project = query.data
  return (
    <ProjectProvider value={viewOf(project)}>
      <div className="project-frame">
        <ProjectNav />
        <div className="project-main">
          <ProjectHeader />
          {busy(project.import_status) && (
            <Alert color="blue" mb="md" title="Copying the project" icon={<Loader size={16} />}>Files appear as soon as the copy is complete.</Alert>
          )}
          {project.forked_from_project && (
            <Text size="sm" c="dimmed" mb="sm">
              Forked from <LinkAnchor to="/$ns/$slug" params={splitProjectPath(project.forked_from_project.path_with_namespace)} size="sm">{project.forked_from_project.path_with_namespace}</LinkAnchor>
            </Text>
          )}
          <div><Outlet /></div>
        </div>
      </div>
    </ProjectProvider>
  )
}

function busy(status: string | undefined): boolean {
  return status === 'scheduled' || status === 'started'
}
