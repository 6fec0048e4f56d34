/** One processor: what it does, its versions, the parameters and image of each. */
import { Grid, Group, Select, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { processorQuery } from '@/api/queries/processors'
import type { Processor, ProcessorVersion } from '@/api/types'
import { LinkAnchor } from '@/components/links'
import { ParameterTable } from '@/components/parameter-table'
import { Fact, Id, PageHead, TimeAgo } from '@/components/small'
import { Empty, QueryView } from '@/components/states'
import { Chip } from '@/components/status-badge'
import { personName, plural } from '@/lib/format'
import { splitProjectPath } from '@/lib/paths'
import { UseDialog } from './use-dialog'

export function ProcessorPage() {
  const { processorId } = useParams({ from: '/plain/marketplace/$processorId' })
  const query = useQuery(processorQuery(processorId))
  return <div><QueryView query={query} skeleton="page">{(processor) => <Details processor={processor} />}</QueryView></div>
}

function Details({ processor }: { processor: Processor }) {
  const { version: wanted } = useSearch({ from: '/plain/marketplace/$processorId' })
  const navigate = useNavigate({ from: '/marketplace/$processorId' })
  const versions = processor.versions ?? (processor.latest ? [processor.latest] : [])
  const version = versions.find((entry) => entry.version === wanted) ?? processor.latest ?? versions[0]
  return (
    <>
      <PageHead
        title={processor.title || processor.name}
        note={<>from <LinkAnchor size="sm" to="/$ns/$slug" params={splitProjectPath(processor.project_path)}>{processor.project_path}</LinkAnchor> · used {processor.usage_count} times</>}
      >
        <Chip tone="accent">{processor.kind}</Chip>
        {version && <UseDialog processor={processor} version={version.version} />}
      </PageHead>
      {processor.description && <Text mb="md">{processor.description}</Text>}
      {!version ? <Empty title="No version is published yet" /> : (
        <Grid gap="md">
          <Grid.Col span={{ base: 12, md: 8 }}>
            <section className="panel" aria-labelledby="parameters">
              <div className="panel-head"><Title order={2} size="h5" id="parameters">Parameters of version {version.version}</Title></div>
              <ParameterTable parameters={version.parameters} />
            </section>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 4 }}>
            <Stack>
              <Select label="Version" allowDeselect={false} data={versions.map((entry) => entry.version)} value={version.version} onChange={(next) => void navigate({ search: { version: next ?? undefined }, replace: true })} />
              <VersionFacts version={version} />
              <Packages packages={version.packages ?? []} />
            </Stack>
          </Grid.Col>
        </Grid>
      )}
    </>
  )
}

function VersionFacts({ version }: { version: ProcessorVersion }) {
  return (
    <div className="panel panel-body">
      <dl className="facts">
        <Fact name="Status">{version.status}</Fact>
        <Fact name="Published"><TimeAgo at={version.published_at} /></Fact>
        <Fact name="By">{personName(version.published_by)}</Fact>
        <Fact name="Environment">{version.environment}</Fact>
        <Fact name="Entry"><code>{version.entry}</code></Fact>
        <Fact name="Commit"><Id value={version.commit} /></Fact>
        <Fact name="Image digest"><Id value={version.digest} /></Fact>
      </dl>
    </div>
  )
}

function Packages({ packages }: { packages: string[] }) {
  if (packages.length === 0) return null
  return (
    <details className="panel panel-body">
      <summary>{plural(packages.length, 'locked package')}</summary>
      <Group gap={6} mt="xs">{packages.map((name) => <code className="id" key={name}>{name}</code>)}</Group>
    </details>
  )
}
