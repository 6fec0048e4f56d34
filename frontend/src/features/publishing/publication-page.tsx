/** A publication while it is built: phases, reason, live log of the image build. */
import { Alert, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { CircleCheck, CircleDashed, CircleX, LoaderCircle } from 'lucide-react'
import * as management from '@/api/management'
import { url } from '@/api/http'
import type { Publication } from '@/api/types'
import { LinkAnchor, LinkButton } from '@/components/links'
import { LiveLog } from '@/components/live-log'
import { useProject } from '@/components/project-context'
import { Fact, Id, PageHead, TimeAgo } from '@/components/small'
import { SourceProblems } from '@/components/source-problems'
import { QueryView } from '@/components/states'
import { StatusBadge } from '@/components/status-badge'
import { formatDuration } from '@/lib/format'
import { phasesOf, TRIGGERS, type Phase } from './phases'

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
            <LinkButton to="/$ns/$slug/-/processors" params={params} search={{ tab: 'publications' }} variant="default">All publications</LinkButton>
          </PageHead>
          {publication.status === 'failed' && <Alert color="red" title="Publishing failed" role="alert"><span className="pre-wrap">{publication.reason ?? 'See the log for the reason.'}</span></Alert>}
          <SourceProblems problems={publication.errors ?? []} tone="error" source={publication.commit ? { project: project.path_with_namespace, commit: publication.commit } : undefined} />
          {publication.status === 'succeeded' && (
            <Alert color="green" title="Published">
              Version {publication.version} is ready to be used, and will never change.{' '}
              {publication.processor && <LinkAnchor to="/marketplace/$processorId" params={{ processorId: publication.processor.id }} search={{ version: publication.version ?? undefined }}>Look at it</LinkAnchor>}
            </Alert>
          )}
          <ol className="phases" aria-label="Phases">{phasesOf(publication).map((phase) => <PhaseItem key={phase.name} phase={phase} />)}</ol>
          <Facts publication={publication} />
          {publication.job_id
            ? <LiveLog source={(offset) => url(`/api/v4/projects/${project.id}/jobs/${publication.job_id}/trace`, { offset })} whole done={ENDED.has(publication.status)} />
            : !ENDED.has(publication.status) && <Text c="dimmed" size="sm">Waiting for a runner.</Text>}
        </Stack>
      )}
    </QueryView>
  )
}

const ICONS = { done: CircleCheck, now: LoaderCircle, failed: CircleX, next: CircleDashed }
const WORDS = { done: 'done', now: 'going on', failed: 'failed', next: 'not yet' }

function PhaseItem({ phase }: { phase: Phase }) {
  const Icon = ICONS[phase.state]
  return (
    <li data-state={phase.state} aria-current={phase.state === 'now' ? 'step' : undefined}>
      <Icon size={18} aria-label={WORDS[phase.state]} className={phase.state === 'now' ? 'spin' : undefined} />
      <span>{phase.name}{phase.seconds !== null && <Text span size="xs" c="dimmed"> {formatDuration(phase.seconds)}</Text>}</span>
    </li>
  )
}

function Facts({ publication }: { publication: Publication }) {
  const { params } = useProject()
  if (!publication.commit) return null
  return (
    <dl className="facts">
      {publication.ref && <Fact name="From">{publication.ref}</Fact>}
      <Fact name="Commit"><LinkAnchor to="/$ns/$slug/-/commit/$sha" params={{ ...params, sha: publication.commit }}>{publication.commit.slice(0, 8)}</LinkAnchor></Fact>
      {publication.entry && <Fact name="Entry">{publication.entry}</Fact>}
      {publication.environment && <Fact name="Environment">{publication.environment}</Fact>}
      {publication.trigger && <Fact name="Started">{TRIGGERS[publication.trigger] ?? publication.trigger}</Fact>}
      {publication.created_by && <Fact name="By">{publication.created_by.username}</Fact>}
      {publication.created_at && <Fact name="When"><TimeAgo at={publication.created_at} /></Fact>}
      <Fact name="Publication"><Id value={publication.id} length={14} /></Fact>
    </dl>
  )
}
