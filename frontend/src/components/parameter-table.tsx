/** Parameters of a processor as documentation. */
import { Table, Text } from '@mantine/core'
import type { Parameter } from '@/api/types'
import { formatValue } from '@/lib/format'
import { rangeHint } from '@/lib/parameters'
import { Chip } from './status-badge'

export function ParameterTable({ parameters, positions = false }: { parameters: Parameter[]; positions?: boolean }) {
  if (parameters.length === 0) return <Text size="sm" c="dimmed" p="md">This processor takes no parameters.</Text>
  return (
    <div className="scroll-x">
      <Table className="table-wide">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th><Table.Th>Type</Table.Th><Table.Th>Default</Table.Th><Table.Th>Allowed</Table.Th><Table.Th>Description</Table.Th>
            {positions && <Table.Th>Line</Table.Th>}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {parameters.map((parameter) => (
            <Table.Tr key={parameter.name}>
              <Table.Td className="nowrap"><code>{parameter.flag ?? parameter.name}</code>{' '}
                {parameter.role !== 'value' && <Chip tone="accent">{parameter.role}</Chip>} {parameter.required && parameter.role === 'value' && <Chip tone="wait">required</Chip>}
              </Table.Td>
              <Table.Td>{parameter.type}{parameter.multiple && parameter.type !== 'list' ? ' (several)' : ''}{parameter.unit ? `, ${parameter.unit}` : ''}</Table.Td>
              <Table.Td><code>{formatValue(parameter.default)}</code></Table.Td>
              <Table.Td>{parameter.choices?.map(String).join(', ') ?? rangeHint(parameter) ?? ''}</Table.Td>
              <Table.Td>{parameter.help}</Table.Td>
              {positions && <Table.Td className="num">{parameter.position ? `${parameter.position.line}:${parameter.position.column}` : ''}</Table.Td>}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  )
}
