/** Everything a step was given and why it ran or did not. */
import { Stack, Table, Text } from '@mantine/core'
import type { Step } from '@/api/types'
import { LinkAnchor } from '@/components/links'
import { useProject } from '@/components/project-context'
import { Fact, Id, TimeAgo } from '@/components/small'
import { formatBytes, formatDuration, formatValue } from '@/lib/format'

export function StepDetails({ step }: { step: Step }) {
  const { params } = useProject()
  return (
    <Stack>
      <div className="panel panel-body">
        <dl className="facts">
          <Fact name="Processor">{step.processor.slug}@{step.processor.version}</Fact>
          <Fact name="Machine">{step.machine}</Fact>
          <Fact name="Started"><TimeAgo at={step.started_at} /></Fact>
          <Fact name="Duration">{formatDuration(step.duration_s)}</Fact>
          <Fact name="Exit code">{step.exit_code ?? '–'}</Fact>
          <Fact name="Cache key"><Id value={step.cache_key} /></Fact>
        </dl>
        {step.cache_reason && <Text size="sm" c="dimmed" mt="sm">Cache: {step.cache_reason}</Text>}
      </div>
      <div className="panel">
        <div className="panel-head"><Text fw={600} size="sm">Parameters</Text></div>
        <Table>
          <Table.Tbody>
            {Object.entries(step.parameters ?? {}).map(([name, value]) => <Table.Tr key={name}><Table.Td w={240}>{name}</Table.Td><Table.Td><code>{formatValue(value)}</code></Table.Td></Table.Tr>)}
            {Object.entries(step.inputs ?? {}).map(([name, source]) => (
              <Table.Tr key={`in:${name}`}>
                <Table.Td>Input {name}</Table.Td>
                <Table.Td>
                  {'step' in source && source.step
                    ? <>output {source.output} of step {source.step}</>
                    : <LinkAnchor to="/$ns/$slug/-/tree/$ref/$" params={{ ...params, ref: source.commit ?? ('branch' in source ? source.branch : ''), _splat: 'path' in source ? source.path : '' }}>/{'path' in source ? source.path : ''} at {source.commit?.slice(0, 8) ?? ('branch' in source ? source.branch : '')}</LinkAnchor>}
                </Table.Td>
              </Table.Tr>
            ))}
            {step.outputs.map((output) => (
              <Table.Tr key={`out:${output.name}`}><Table.Td>Output {output.name}</Table.Td><Table.Td>{output.files} files, {formatBytes(output.bytes)} <Id value={output.digest} /></Table.Td></Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </div>
    </Stack>
  )
}
