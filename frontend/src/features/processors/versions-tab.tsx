/** All versions of a processor: status, changelog, and what is different between two of them. */
import { Grid, Group, Text, Title, UnstyledButton } from '@mantine/core'
import { lazy, Suspense } from 'react'
import type { Processor, ProcessorVersion } from '@/api/types'
import { VersionState } from '@/components/processor-marks'
import { TimeAgo } from '@/components/small'
import { Loading } from '@/components/states'
import { Chip } from '@/components/status-badge'
import { personName } from '@/lib/format'
import { Compare } from './compare'

const Markdown = lazy(() => import('@/components/markdown'))

type Props = { processor: Processor; versions: ProcessorVersion[]; version: ProcessorVersion; onChoose: (version: string) => void }

export function VersionsTab({ processor, versions, version, onChoose }: Props) {
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, md: 4 }}>
        <nav className="panel rows" aria-label="Versions">
          {versions.map((entry) => (
            <UnstyledButton key={entry.id} className="version-row" aria-current={entry.id === version.id ? 'true' : undefined} onClick={() => onChoose(entry.version)}>
              <span className="grow">
                <Group gap={8}>
                  <Text span fw={650} td={entry.status === 'unpublished' ? 'line-through' : undefined}>{entry.version}</Text>
                  {entry.id === processor.latest?.id && <Chip tone="accent">latest</Chip>}
                  <VersionState status={entry.status} />
                </Group>
                <Text size="xs" c="dimmed">{personName(entry.published_by)}, <TimeAgo at={entry.published_at} /></Text>
              </span>
            </UnstyledButton>
          ))}
        </nav>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 8 }}>
        <section className="panel" aria-labelledby="changelog">
          <div className="panel-head"><Title order={2} size="h5" id="changelog">What is new in {version.version}</Title></div>
          <div className="panel-body">
            {version.changelog
              ? <Suspense fallback={<Loading />}><Markdown text={version.changelog} /></Suspense>
              : <Text size="sm" c="dimmed">Nothing is written about this version. Name a changelog file in processor.yaml, and the section of each version appears here.</Text>}
          </div>
        </section>
        {versions.length > 1 && <Compare versions={versions} version={version} />}
      </Grid.Col>
    </Grid>
  )
}
