/** A publication while it is built: state, reason, live log of the image build. */
import { Alert, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import * as management from '@/api/management'
import { url } from '@/api/http'
import { LinkAnchor, LinkButton } from '@/components/links'
import { LiveLog } from '@/components/live-log'
import { useProject } from '@/components/project-context'
import { PageHead } from '@/components/small'
import { SourceProblems } from '@/components/source-problems'
import { QueryView } from '@/components/states'
import { StatusBadge } from '@/components/status-badge'

const ENDED = new Set(['succeeded', 'failed'])

export function PublicationPage() {
  const { project, params } = useProject()
  const { publicationId } = useParams({ from: '/$ns/$slug/-/publications/$publicationId' })
  const query = useQuery({
    queryKey: ['publication', publicationId],
    queryFn: () => management.getPublication(publicationId),
    refetchInterval: ({ state }) => (state.data && ENDED.has(state.data.status) ? false : 1000),
  })
  return (
    <QueryView query={query} skeleton="page">
      {(publication) => (
        <Stack>
          <PageHead title={<Group gap="sm">Publication <StatusBadge status={publication.status} /></Group>} note={`${publication.name}${publication.version ? `@${publication.version}` : ''}`}>
            <LinkButton to="/$ns/$slug/-/processors" params={params} variant="default">All processors</LinkButton>
          </PageHead>
          {publication.status === 'failed' && <Alert color="red" title="Publishing failed" role="alert">{publication.reason ?? 'See the log for the reason.'}</Alert>}
          <SourceProblems problems={publication.errors ?? []} tone="error" />
          {publication.status === 'succeeded' && (
            <Alert color="green" title="Published">
              Version {publication.version} is ready to be used, and will never change.{' '}
              {publication.processor && <LinkAnchor to="/marketplace/$processorId" params={{ processorId: publication.processor.id }}>Look at it</LinkAnchor>}
            </Alert>
          )}
          {publication.job_id
            ? <LiveLog source={(offset) => url(`/api/v4/projects/${project.id}/jobs/${publication.job_id}/trace`, { offset })} whole done={ENDED.has(publication.status)} />
            : !ENDED.has(publication.status) && <Text c="dimmed" size="sm">Waiting for a runner.</Text>}
        </Stack>
      )}
    </QueryView>
  )
}
