/** What is different between two versions: parameters, environment, packages. */
import { Alert, Group, Select, Stack, Table, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import * as management from '@/api/management'
import type { Changes, ProcessorVersion } from '@/api/types'
import { QueryView } from '@/components/states'
import { Chip } from '@/components/status-badge'
import { formatValue, plural } from '@/lib/format'
import { compareVersions } from '@/lib/versions'

type Props = { versions: ProcessorVersion[]; version: ProcessorVersion }

export function Compare({ versions, version }: Props) {
  const search = useSearch({ from: '/wide/marketplace/$processorId' })
  const navigate = useNavigate({ from: '/marketplace/$processorId' })
  const others = versions.filter((entry) => entry.id !== version.id)
  const before = others.find((entry) => compareVersions(entry.version, version.version) < 0) ?? others[0]
  const from = others.find((entry) => entry.version === search.from) ?? before
  const query = useQuery({
    queryKey: ['changes', version.id, from?.id],
    queryFn: () => management.getChanges(version.id, from?.id ?? ''),
    enabled: from !== undefined,
    staleTime: Infinity,
  })
  return (
    <section className="panel" style={{ marginTop: 16 }} aria-labelledby="differences">
      <div className="panel-head">
        <Title order={2} size="h5" id="differences" className="grow">Differences</Title>
        <Group gap={8}>
          <Text size="sm" c="dimmed">{version.version} compared with</Text>
          <Select
            aria-label="Compare with"
            size="xs"
            w={120}
            allowDeselect={false}
            data={others.map((entry) => entry.version)}
            value={from?.version ?? null}
            onChange={(next) => void navigate({ search: (old) => ({ ...old, from: next ?? undefined }), replace: true, resetScroll: false })}
          />
        </Group>
      </div>
      <div className="panel-body"><QueryView query={query}>{(changes) => <Differences changes={changes} />}</QueryView></div>
    </section>
  )
}

function Differences({ changes }: { changes: Changes }) {
  const { parameters, environment, packages } = changes
  const count = parameters.added.length + parameters.removed.length + parameters.changed.length
  const moved = packages.added.length + packages.removed.length + packages.changed.length
  const another = environment !== null && environment.before !== environment.after
  return (
    <Stack gap="md">
      {changes.breaking && (
        <Alert color="yellow" title={`Breaking from ${changes.from.version} to ${changes.to.version}`}>
          {(changes.reasons ?? []).length > 0 ? <ul className="plain-list">{changes.reasons?.map((reason) => <li key={reason}>{reason}</li>)}</ul> : 'Somebody who calls the older version may have to change their call.'}
        </Alert>
      )}
      {count === 0 && moved === 0 && !another && <Text size="sm" c="dimmed">Parameters, environment and packages are the same; only the code differs.</Text>}
      {count > 0 && <ParameterChanges of={parameters} />}
      {another && <Text size="sm"><strong>Environment:</strong> <del>{environment.before}</del> → <ins>{environment.after}</ins></Text>}
      {moved > 0 && (
        <details>
          <summary>{plural(moved, 'package')} differ{moved === 1 ? 's' : ''}</summary>
          <ul className="diff-list">
            {packages.added.map((name) => <li key={`+${name}`} data-sign="+">{name}</li>)}
            {packages.removed.map((name) => <li key={`-${name}`} data-sign="-">{name}</li>)}
            {packages.changed.map((one) => <li key={one.name} data-sign="~">{one.name} {one.before} → {one.after}</li>)}
          </ul>
        </details>
      )}
    </Stack>
  )
}

function ParameterChanges({ of }: { of: Changes['parameters'] }) {
  return (
    <div className="scroll-x">
      <Table className="table-wide">
        <Table.Thead><Table.Tr><Table.Th>Parameter</Table.Th><Table.Th>What</Table.Th><Table.Th>Before</Table.Th><Table.Th>After</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {of.added.map((one) => (
            <Table.Tr key={`+${one.name}`}>
              <Table.Td><code>{one.name}</code></Table.Td>
              <Table.Td><Chip tone="good">added</Chip> {one.required && <Chip tone="wait">required</Chip>}</Table.Td>
              <Table.Td>–</Table.Td><Table.Td>{one.type}, default <code>{formatValue(one.default)}</code></Table.Td>
            </Table.Tr>
          ))}
          {of.removed.map((one) => (
            <Table.Tr key={`-${one.name}`}>
              <Table.Td><code>{one.name}</code></Table.Td><Table.Td><Chip tone="bad">removed</Chip></Table.Td><Table.Td>{one.type}</Table.Td><Table.Td>–</Table.Td>
            </Table.Tr>
          ))}
          {of.changed.map((one) => (
            <Table.Tr key={`${one.name}.${one.field}`}>
              <Table.Td><code>{one.name}</code></Table.Td>
              <Table.Td>{one.field} {one.breaking && <Chip tone="bad">breaking</Chip>}</Table.Td>
              <Table.Td><code>{formatValue(one.before)}</code></Table.Td><Table.Td><code>{formatValue(one.after)}</code></Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  )
}
