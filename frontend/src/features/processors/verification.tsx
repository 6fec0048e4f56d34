/** Runs of a version on its reference data: the nightly ones, and those that somebody asked for. */
import { Table, Text, Title } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import * as management from '@/api/management'
import type { Processor, ProcessorVersion } from '@/api/types'
import { LinkAnchor } from '@/components/links'
import { TimeAgo } from '@/components/small'
import { messageOf, QueryView } from '@/components/states'
import { StatusBadge } from '@/components/status-badge'
import { formatDuration } from '@/lib/format'
import { splitProjectPath } from '@/lib/paths'

const keyOf = (version: ProcessorVersion) => ['verifications', version.id]

export function useVerify(version: ProcessorVersion) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => management.verify(version.id),
    onSuccess: () => {
      notifications.show({ message: `Version ${version.version} runs on its reference data. See “Metrics and proof”.` })
      void client.invalidateQueries({ queryKey: keyOf(version) })
    },
    onError: (error) => notifications.show({ color: 'red', message: messageOf(error) }),
  })
}

export function Verifications({ processor, version }: { processor: Processor; version: ProcessorVersion }) {
  const client = useQueryClient()
  const query = useQuery({
    queryKey: keyOf(version),
    queryFn: async () => {
      const found = await management.listVerifications(version.id)
      if (found[0] && found[0].status !== 'running') void client.invalidateQueries({ queryKey: ['processor'], refetchType: 'active' })
      return found
    },
    refetchInterval: ({ state }) => (state.data?.[0]?.status === 'running' ? 1500 : false),
  })
  return (
    <section className="panel" aria-labelledby="verifications">
      <div className="panel-head"><Title order={2} size="h5" id="verifications">Verifications of {version.version}</Title></div>
      <QueryView query={query} isEmpty={(found) => found.length === 0} empty={<Text size="sm" c="dimmed" p="md">It has not been run on its reference data yet. That happens every night.</Text>}>
        {(found) => (
          <Table>
            <Table.Tbody>
              {found.map((one) => (
                <Table.Tr key={one.id}>
                  <Table.Td><StatusBadge status={one.status} /></Table.Td>
                  <Table.Td>
                    <Text size="sm">
                      <TimeAgo at={one.started_at} />
                      {one.finished_at && <Text span size="sm" c="dimmed">, {formatDuration((Date.parse(one.finished_at) - Date.parse(one.started_at)) / 1000)}</Text>}
                    </Text>
                    {one.reason && <Text size="xs" c="dimmed" className="wrap-anywhere">{one.reason}</Text>}
                  </Table.Td>
                  <Table.Td className="num">{one.run_id && <LinkAnchor size="sm" to="/$ns/$slug/-/runs/$runId" params={{ ...splitProjectPath(processor.project_path), runId: one.run_id }}>Run</LinkAnchor>}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </QueryView>
    </section>
  )
}
