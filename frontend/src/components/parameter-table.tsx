/** Parameters of a processor as documentation; with a source each has a link to its line. */
import { Table, Text } from '@mantine/core'
import type { Parameter } from '@/api/types'
import { baseName } from '@/lib/paths'
import { formatValue } from '@/lib/format'
import { rangeHint } from '@/lib/parameters'
import { SourceLink, type Source } from './source-link'
import { Chip } from './status-badge'

type Props = { parameters: Parameter[]; source?: Source; overridden?: Record<string, string[]> }

export function ParameterTable({ parameters, source, overridden = {} }: Props) {
  if (parameters.length === 0) return <Text size="sm" c="dimmed" p="md">This processor takes no parameters.</Text>
  const placed = source !== undefined && parameters.some((parameter) => parameter.position)
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <section className="scroll-x" tabIndex={0} aria-label="Table of parameters">
      <Table className="table-wide">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th><Table.Th>Type</Table.Th><Table.Th>Default</Table.Th><Table.Th>Allowed</Table.Th><Table.Th>Description</Table.Th>
            {placed && <Table.Th>Source</Table.Th>}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {parameters.map((parameter) => (
            <Table.Tr key={parameter.name}>
              <Table.Td className="nowrap"><code>{parameter.flag ?? parameter.name}</code>{' '}
                {parameter.role !== 'value' && <Chip tone="accent">{parameter.role}</Chip>} {parameter.required && parameter.role === 'value' && <Chip tone="wait">required</Chip>}
                {overridden[parameter.name] && <Text size="xs" c="dimmed">processor.yaml sets {overridden[parameter.name]?.join(', ')}</Text>}
              </Table.Td>
              <Table.Td>{parameter.type}{parameter.multiple && parameter.type !== 'list' ? ' (several)' : ''}{parameter.unit ? `, ${parameter.unit}` : ''}</Table.Td>
              <Table.Td><code className="value">{formatValue(parameter.default)}</code></Table.Td>
              <Table.Td>{parameter.choices?.map(String).join(', ') ?? rangeHint(parameter) ?? ''}</Table.Td>
              <Table.Td>{parameter.help}</Table.Td>
              {placed && (
                <Table.Td>
                  {parameter.position && source && <SourceLink source={source} file={parameter.position.file} line={parameter.position.line} blank>{baseName(parameter.position.file)}:{parameter.position.line}</SourceLink>}
                </Table.Td>
              )}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  )
}
