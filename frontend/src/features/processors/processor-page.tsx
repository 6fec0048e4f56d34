/** One processor: what it does, how it is called, its versions, its image, and what is proven about it. */
import { Alert, Group, Select, Tabs, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { BadgeCheck, BookOpen, GitCompareArrows, Package } from 'lucide-react'
import { processorQuery } from '@/api/queries/processors'
import type { Processor, ProcessorVersion } from '@/api/types'
import { LinkAnchor } from '@/components/links'
import { KindIcon, Verified, VersionState } from '@/components/processor-marks'
import { Copyable, TimeAgo } from '@/components/small'
import { Empty, QueryView } from '@/components/states'
import { personName, plural } from '@/lib/format'
import { splitProjectPath } from '@/lib/paths'
import { compareVersions } from '@/lib/versions'
import { ImageTab } from './image-tab'
import { MaintainerMenu } from './maintainer-menu'
import { OverviewTab } from './overview-tab'
import { ProofTab } from './proof-tab'
import { UseDialog } from './use-dialog'
import { VersionsTab } from './versions-tab'

export function ProcessorPage() {
  const { processorId } = useParams({ from: '/wide/marketplace/$processorId' })
  const query = useQuery(processorQuery(processorId))
  return <div><QueryView query={query} skeleton="page">{(processor) => <Details processor={processor} />}</QueryView></div>
}

function Details({ processor }: { processor: Processor }) {
  const search = useSearch({ from: '/wide/marketplace/$processorId' })
  const navigate = useNavigate({ from: '/marketplace/$processorId' })
  const versions = (processor.versions ?? (processor.latest ? [processor.latest] : [])).toSorted((a, b) => compareVersions(b.version, a.version))
  const version = versions.find((entry) => entry.version === search.version) ?? processor.latest ?? versions[0]
  const choose = (next: string) => void navigate({ search: (old) => ({ ...old, version: next === processor.latest?.version ? undefined : next }), replace: true, resetScroll: false })
  if (!version) return <><Head processor={processor} /><Empty title="No version is published yet" /></>
  return (
    <>
      <Head processor={processor}>
        <Select aria-label="Version" w={150} allowDeselect={false} data={versions.map((entry) => ({ value: entry.version, label: versionLabel(entry, processor) }))} value={version.version} onChange={(next) => next && choose(next)} />
        {version.status !== 'unpublished' && <UseDialog processor={processor} version={version.version} />}
        <MaintainerMenu processor={processor} version={version} />
      </Head>
      <StatusNote version={version} processor={processor} />
      <Tabs value={search.tab ?? 'overview'} onChange={(tab) => void navigate({ search: (old) => ({ ...old, tab: tab === 'overview' ? undefined : (tab ?? undefined) }), resetScroll: false })} keepMounted={false}>
        <Tabs.List mb="md" className="tabs-scroll">
          <Tabs.Tab value="overview" leftSection={<BookOpen size={15} />}>Overview</Tabs.Tab>
          <Tabs.Tab value="versions" leftSection={<GitCompareArrows size={15} />}>Versions <Text span size="sm" c="dimmed">{versions.length}</Text></Tabs.Tab>
          <Tabs.Tab value="image" leftSection={<Package size={15} />}>Image</Tabs.Tab>
          <Tabs.Tab value="proof" leftSection={<BadgeCheck size={15} />}>Metrics and proof</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="overview"><OverviewTab processor={processor} version={version} /></Tabs.Panel>
        <Tabs.Panel value="versions"><VersionsTab processor={processor} versions={versions} version={version} onChoose={choose} /></Tabs.Panel>
        <Tabs.Panel value="image"><ImageTab processor={processor} version={version} /></Tabs.Panel>
        <Tabs.Panel value="proof"><ProofTab processor={processor} version={version} /></Tabs.Panel>
      </Tabs>
    </>
  )
}

function versionLabel(version: ProcessorVersion, processor: Processor): string {
  if (version.status !== 'published') return `${version.version} – ${version.status}`
  return version.id === processor.latest?.id ? `${version.version} – latest` : version.version
}

function Head({ processor, children }: { processor: Processor; children?: React.ReactNode }) {
  return (
    <Group justify="space-between" align="flex-start" mb="md" gap="sm">
      <Group gap="sm" wrap="nowrap" align="flex-start" style={{ minWidth: 0, flex: '1 1 340px' }}>
        <KindIcon kind={processor.kind} size={24} />
        <div style={{ minWidth: 0 }}>
          <Group gap={8}>
            <Title order={1} size="h3">{processor.title || processor.name}</Title>
            <Verified processor={processor} word />
          </Group>
          <Group gap={2} wrap="nowrap"><code className="cut slug">{processor.slug}</code><Copyable value={processor.slug} label="Copy the name" /></Group>
          <Text size="sm" c="dimmed" component="div" className="note">
            {processor.kind} from <LinkAnchor size="sm" to="/$ns/$slug" params={splitProjectPath(processor.project_path)}>{processor.project_path}</LinkAnchor>
            {' · '}{usageOf(processor)}{processor.star_count === undefined ? '' : ` · ${plural(processor.star_count, 'star')}`}
          </Text>
        </div>
      </Group>
      <Group gap="xs">{children}</Group>
    </Group>
  )
}

function usageOf({ usage, usage_count: count }: Processor): string {
  if (!usage || usage.runs === 0) return `used ${plural(usage?.runs ?? count, 'time')}`
  return `used ${plural(usage.runs, 'time')} by ${plural(usage.users, 'person', 'people')}, ${plural(usage.recent_runs, 'time')} in the last 30 days`
}

function StatusNote({ version, processor }: { version: ProcessorVersion; processor: Processor }) {
  if (version.status === 'published' || !version.status) return null
  const gone = version.status === 'unpublished'
  return (
    <Alert color={gone ? 'red' : 'yellow'} mb="md" title={<Group gap={8}><VersionState status={version.status} />Version {version.version} {gone ? 'can no longer be chosen' : 'should no longer be used'}</Group>}>
      {version.status_message && <Text size="sm">{version.status_message}</Text>}
      {version.replacement && <Text size="sm">Use instead: <Replacement text={version.replacement} processor={processor} /></Text>}
      {gone && <Text size="sm">Runs that used it are kept and can be reproduced.</Text>}
      {version.status_at && <Text size="xs" c="dimmed" mt={4}>by {personName(version.status_by)}, <TimeAgo at={version.status_at} /></Text>}
    </Alert>
  )
}

/** Another version of the same processor, or another processor by its slug. */
function Replacement({ text, processor }: { text: string; processor: Processor }) {
  const slug = text.replace(/@[^@]*$/, '')
  const own = processor.versions?.find((entry) => entry.version === text || `${processor.slug}@${entry.version}` === text)
  if (own) return <LinkAnchor to="/marketplace/$processorId" params={{ processorId: processor.id }} search={{ version: own.version }}>version {own.version}</LinkAnchor>
  return slug.includes('/') ? <LinkAnchor to="/marketplace/$processorId" params={{ processorId: slug }}>{text}</LinkAnchor> : <>{text}</>
}
