/** What a version measures, the reference run that proves it, and how that went. */
import { Grid, Stack, Table, Text, Title } from '@mantine/core'
import type { MetricRule, Processor, ProcessorVersion, Reference } from '@/api/types'
import { TimeAgo } from '@/components/small'
import { Empty } from '@/components/states'
import { formatValue } from '@/lib/format'
import { Verifications } from './verification'

type Props = { processor: Processor; version: ProcessorVersion }

export function ProofTab({ processor, version }: Props) {
  const metrics = version.metrics ?? version.manifest?.metrics ?? {}
  const reference = version.manifest?.reference
  if (Object.keys(metrics).length === 0 && !reference) {
    return (
      <Empty title="Nothing is promised">
        A processor.yaml may name the metrics that are reported, and a small reference run with what must come out of it. The reference run is repeated every night.
      </Empty>
    )
  }
  return (
    <Grid gap="md">
      {Object.keys(metrics).length > 0 && <Grid.Col span={{ base: 12, md: 6 }}><Metrics metrics={metrics} /></Grid.Col>}
      <Grid.Col span={{ base: 12, md: 6 }}>
        <Stack>
          {reference && <ReferenceRun reference={reference} processor={processor} />}
          {reference && <Verifications processor={processor} version={version} />}
        </Stack>
      </Grid.Col>
    </Grid>
  )
}

function Metrics({ metrics }: { metrics: Record<string, MetricRule> }) {
  return (
    <section className="panel" aria-labelledby="metrics">
      <div className="panel-head"><Title order={2} size="h5" id="metrics">Metrics</Title></div>
      <div className="scroll-x">
        <Table>
          <Table.Thead><Table.Tr><Table.Th>Name</Table.Th><Table.Th>Goal</Table.Th><Table.Th>Unit</Table.Th><Table.Th>Meaning</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>
            {Object.entries(metrics).map(([name, rule]) => (
              <Table.Tr key={name}>
                <Table.Td><code>{name}</code></Table.Td><Table.Td>{rule.goal ?? '–'}</Table.Td><Table.Td>{rule.unit ?? '–'}</Table.Td><Table.Td>{rule.help}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </div>
    </section>
  )
}

function ReferenceRun({ reference, processor }: { reference: Reference; processor: Processor }) {
  const rows = [
    ...Object.entries(reference.inputs ?? {}).map(([name, path]) => ({ what: 'reads', name, value: path })),
    ...Object.entries(reference.parameters ?? {}).map(([name, value]) => ({ what: 'with', name, value: formatValue(value) })),
    ...Object.entries(reference.metrics ?? {}).map(([name, rule]) => ({ what: 'must reach', name, value: rule })),
    ...Object.entries(reference.outputs ?? {}).flatMap(([name, rules]) => Object.entries(rules).map(([key, rule]) => ({ what: 'must write', name, value: `${key} ${rule}` }))),
  ]
  return (
    <section className="panel" aria-labelledby="reference">
      <div className="panel-head">
        <Title order={2} size="h5" id="reference" className="grow">Reference run</Title>
        {processor.verified_at && <Text size="sm" c="dimmed">last passed <TimeAgo at={processor.verified_at} /></Text>}
      </div>
      <Table>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={`${row.what}.${row.name}.${row.value}`}><Table.Td c="dimmed">{row.what}</Table.Td><Table.Td><code>{row.name}</code></Table.Td><Table.Td>{row.value}</Table.Td></Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  )
}
