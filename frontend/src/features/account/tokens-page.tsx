/** Personal access tokens: made, shown once, revoked. */
import { Alert, Button, Checkbox, Code, Group, Modal, Stack, Table, Text, TextInput, VisuallyHidden } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { KeyRound, Plus } from 'lucide-react'
import { useState } from 'react'
import * as forge from '@/api/forge'
import { Copyable, PageHead, TimeAgo } from '@/components/small'
import { Empty, FormError, QueryView } from '@/components/states'
import { Chip } from '@/components/status-badge'

const SCOPES = [
  { value: 'api', label: 'api: everything you may do' },
  { value: 'read_api', label: 'read_api: read everything you may see' },
  { value: 'read_repository', label: 'read_repository: clone and pull' },
  { value: 'write_repository', label: 'write_repository: push' },
  { value: 'read_registry', label: 'read_registry: pull images' },
  { value: 'write_registry', label: 'write_registry: push images' },
]

export function TokensPage() {
  const client = useQueryClient()
  const tokens = useQuery({ queryKey: ['tokens'], queryFn: forge.listTokens })
  const [adding, setAdding] = useState(false)
  const [fresh, setFresh] = useState<string | null>(null)
  const refresh = () => void client.invalidateQueries({ queryKey: ['tokens'] })
  const revoke = useMutation({ mutationFn: forge.revokeToken, onSuccess: refresh })
  const add = <Button leftSection={<Plus size={16} />} onClick={() => setAdding(true)}>New token</Button>
  return (
    <div>
      <PageHead title="Access tokens" note="For git, the command line, Python, and every GitLab client">{add}</PageHead>
      {fresh && (
        <Alert color="green" mb="md" title="Copy the token now: it is not shown again" withCloseButton onClose={() => setFresh(null)} closeButtonLabel="Hide the token">
          <Group gap="xs"><Code fz="sm">{fresh}</Code><Copyable value={fresh} label="Copy the token" /></Group>
        </Alert>
      )}
      <FormError error={revoke.error} />
      <QueryView query={tokens} isEmpty={(found) => found.items.filter((token) => token.active).length === 0} empty={<Empty title="No tokens" icon={<KeyRound size={26} />} action={add} />}>
        {(found) => (
          <div className="panel scroll-x">
            <Table className="table-wide">
              <Table.Thead><Table.Tr><Table.Th>Name</Table.Th><Table.Th>Scopes</Table.Th><Table.Th>Created</Table.Th><Table.Th>Last used</Table.Th><Table.Th>Expires</Table.Th><Table.Th><VisuallyHidden>Actions</VisuallyHidden></Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>
                {found.items.filter((token) => token.active).map((token) => (
                  <Table.Tr key={token.id}>
                    <Table.Td>{token.name}</Table.Td>
                    <Table.Td><Group gap={4}>{token.scopes.map((scope) => <Chip key={scope}>{scope}</Chip>)}</Group></Table.Td>
                    <Table.Td><TimeAgo at={token.created_at} /></Table.Td>
                    <Table.Td>{token.last_used_at ? <TimeAgo at={token.last_used_at} /> : 'never'}</Table.Td>
                    <Table.Td>{token.expires_at ?? 'never'}</Table.Td>
                    <Table.Td className="num"><Button size="compact-sm" variant="default" loading={revoke.isPending && revoke.variables === token.id} onClick={() => revoke.mutate(token.id)} aria-label={`Revoke ${token.name}`}>Revoke</Button></Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </div>
        )}
      </QueryView>
      {adding && <NewToken onClose={() => setAdding(false)} onMade={(token) => { setFresh(token); setAdding(false); refresh() }} />}
    </div>
  )
}

function NewToken({ onClose, onMade }: { onClose: () => void; onMade: (token: string) => void }) {
  const [name, setName] = useState('')
  const [scopes, setScopes] = useState(['api'])
  const [expires, setExpires] = useState('')
  const create = useMutation({
    mutationFn: () => forge.createToken({ name, scopes, expires_at: expires || undefined }),
    onSuccess: (made) => onMade(made.token ?? ''),
  })
  return (
    <Modal opened onClose={onClose} title="New access token" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={(event) => { event.preventDefault(); create.mutate() }}>
        <Stack>
          <FormError error={create.error} />
          <TextInput label="Name" description="What it is for" required data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <TextInput label="Expires on" description="Empty: as late as the server allows" type="date" value={expires} onChange={(event) => setExpires(event.currentTarget.value)} />
          <Checkbox.Group label="Scopes" value={scopes} onChange={setScopes}>
            <Stack gap={6} mt={6}>{SCOPES.map((scope) => <Checkbox key={scope.value} value={scope.value} label={scope.label} />)}</Stack>
          </Checkbox.Group>
          <Group justify="flex-end">
            <Text size="sm" c="dimmed" className="grow">{scopes.length === 0 ? 'Choose a scope.' : ''}</Text>
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button type="submit" disabled={scopes.length === 0} loading={create.isPending}>Create</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
