/** README, parameters, and the facts of one version. */
import { Grid, Group, Stack, Text, Title } from '@mantine/core'
import { lazy, Suspense } from 'react'
import { rawUrl } from '@/api/forge'
import type { Processor, ProcessorVersion, ResourceWish } from '@/api/types'
import { Command } from '@/components/command'
import { LinkAnchor } from '@/components/links'
import { ParameterTable } from '@/components/parameter-table'
import { DataTypes } from '@/components/processor-card'
import { Copyable, Fact, Id, TimeAgo } from '@/components/small'
import { Loading } from '@/components/states'
import { Chip } from '@/components/status-badge'
import { formatBytes, formatDuration, personName } from '@/lib/format'
import { joinPath, parentPath, splitProjectPath } from '@/lib/paths'
import { pipelineOf } from './snippet'

const Markdown = lazy(() => import('@/components/markdown'))

type Props = { processor: Processor; version: ProcessorVersion }

export function OverviewTab({ processor, version }: Props) {
  const folder = parentPath(version.entry)
  const source = { project: processor.project_path, commit: version.commit }
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, md: 8 }}>
        <Stack>
          {processor.description && <Text>{processor.description}</Text>}
          <section className="panel" aria-labelledby="parameters">
            <div className="panel-head"><Title order={2} size="h5" id="parameters">Parameters</Title><Text size="sm" c="dimmed">of version {version.version}</Text></div>
            <ParameterTable parameters={version.parameters} source={source} />
          </section>
          {processor.readme && (
            <section className="panel" aria-label="README">
              <div className="panel-head"><Text size="sm" fw={600}>README</Text></div>
              <div className="panel-body">
                <Suspense fallback={<Loading />}>
                  <Markdown text={processor.readme} resolve={(name) => rawUrl(processor.project_id, joinPath(folder, name), processor.latest?.commit ?? version.commit)} />
                </Suspense>
              </div>
            </section>
          )}
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 4 }}>
        <Stack>
          <Facts processor={processor} version={version} />
          <UseIt processor={processor} version={version} />
          <Resources wishes={version.resources ?? version.manifest?.resources} network={version.network ?? version.manifest?.network} />
        </Stack>
      </Grid.Col>
    </Grid>
  )
}

function Facts({ processor, version }: Props) {
  const tags = version.tags ?? processor.tags ?? []
  const licence = version.licence ?? processor.licence
  return (
    <section className="panel panel-body" aria-label="Facts">
      <dl className="facts">
        <Fact name="Published"><TimeAgo at={version.published_at} /></Fact>
        <Fact name="By">{personName(version.published_by)}</Fact>
        {(processor.input_types.length > 0 || processor.output_types.length > 0) && <Fact name="Data"><DataTypes input={processor.input_types} output={processor.output_types} /></Fact>}
        {processor.model_type && <Fact name="Task">{processor.model_type}</Fact>}
        {processor.ml_category && <Fact name="Learning">{processor.ml_category}</Fact>}
        {licence && <Fact name="Licence">{licence}</Fact>}
        <Fact name="Environment"><LinkAnchor to="/environments" hash={version.environment}>{version.environment}</LinkAnchor></Fact>
        {processor.framework && <Fact name="Framework">{processor.framework}</Fact>}
        <Fact name="Source">
          <LinkAnchor to="/$ns/$slug/-/blob/$ref/$" params={{ ...splitProjectPath(processor.project_path), ref: version.commit, _splat: version.entry }}>{version.entry}</LinkAnchor>
        </Fact>
        <Fact name="Commit"><Id value={version.commit} /></Fact>
      </dl>
      {tags.length > 0 && (
        <Group gap={6} mt="sm">
          {tags.map((tag) => <LinkAnchor key={tag} to="/marketplace" search={{ tag: [tag] }} underline="never"><Chip>#{tag}</Chip></LinkAnchor>)}
        </Group>
      )}
    </section>
  )
}

function UseIt({ processor, version }: Props) {
  const text = pipelineOf(processor, version)
  if (version.status === 'unpublished') return null
  return (
    <section className="panel" aria-labelledby="use">
      <div className="panel-head"><Title order={2} size="h5" id="use" className="grow">From the command line</Title><Copyable value={text} label="Copy the pipeline" /></div>
      <div className="panel-body">
        {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <pre className="snippet" tabIndex={0} aria-label="A data pipeline with this processor">{text}</pre>
        <Command label="Run the pipeline">{`mlreef pipeline run GROUP/PROJECT ${processor.name}.mlreef.yaml`}</Command>
      </div>
    </section>
  )
}

const WISHES: Record<string, string> = { machine: 'Machine', cpus: 'Processors', memory: 'Memory', gpus: 'GPUs', disk: 'Disk', processes: 'Processes', timeout: 'Time limit' }
const NETWORKS: Record<string, string> = { none: 'none', 'package-index': 'package index only', open: 'open: may reach any host' }

function inUnits(name: string, value: string | number): string {
  if (typeof value === 'number' && (name === 'memory' || name === 'disk')) return formatBytes(value)
  return name === 'timeout' && typeof value === 'number' ? formatDuration(value) : String(value)
}

function Resources({ wishes, network }: { wishes: ResourceWish | null | undefined; network: string | null | undefined }) {
  const wanted = Object.entries(wishes ?? {}).filter(([, value]) => value !== null && value !== undefined)
  if (wanted.length === 0 && !network) return null
  return (
    <section className="panel" aria-labelledby="resources">
      <div className="panel-head"><Title order={2} size="h5" id="resources">Resources</Title></div>
      <dl className="facts panel-body">
        {wanted.map(([name, value]) => <Fact key={name} name={WISHES[name] ?? name}>{inUnits(name, value)}</Fact>)}
        {network && <Fact name="Network">{NETWORKS[network] ?? network}</Fact>}
      </dl>
    </section>
  )
}
