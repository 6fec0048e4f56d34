/** Who may do what in the project. */
import { ActionIcon, Alert, Button, Group, Select, Table, Text, VisuallyHidden } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import { useState } from 'react'
import * as forge from '@/api/forge'
import { levelName, LEVELS, useProject } from '@/components/project-context'
import { PageHead } from '@/components/small'
import { FormError, QueryView } from '@/components/states'

const ROLES = LEVELS.map(({ level, name, note }) => ({ value: String(level), label: `${name}: ${note}` }))

export function MembersPage() {
  const { project, level } = useProject()
  const client = useQueryClient()
  const key = ['members', project.id]
  const members = useQuery({ queryKey: key, queryFn: () => forge.listMembers(project.id) })
  const refresh = () => void client.invalidateQueries({ queryKey: key })
  const change = useMutation({
    mutationFn: (order: { user: number; access: number | null }): Promise<unknown> =>
      order.access === null ? forge.removeMember(project.id, order.user) : forge.editMember(project.id, order.user, order.access),
    onSuccess: refresh,
  })
  const manages = level >= 40
  return (
    <>
      <PageHead title="Members" note="Members of the project's group are listed too." />
      {manages && <AddMember onAdded={refresh} />}
      <FormError error={change.error} />
      <QueryView query={members}>
        {(found) => (
          <div className="panel scroll-x">
            <Table className="table-wide">
              <Table.Thead><Table.Tr><Table.Th>User</Table.Th><Table.Th>Role</Table.Th><Table.Th>Expires</Table.Th><Table.Th><VisuallyHidden>Actions</VisuallyHidden></Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>
                {found.items.map((member) => (
                  <Table.Tr key={member.id}>
                    <Table.Td>{member.name} <Text span size="sm" c="dimmed">@{member.username}</Text></Table.Td>
                    <Table.Td>
                      {manages && member.access_level < 50
                        ? <Select size="xs" aria-label={`Role of ${member.username}`} allowDeselect={false} data={ROLES.filter((role) => Number(role.value) <= level)} value={String(member.access_level)} onChange={(next) => next && change.mutate({ user: member.id, access: Number(next) })} w={320} />
                        : levelName(member.access_level)}
                    </Table.Td>
                    <Table.Td>{member.expires_at ?? 'never'}</Table.Td>
                    <Table.Td className="num">
                      {manages && member.access_level < 50 && (
                        <ActionIcon variant="subtle" color="red" aria-label={`Remove ${member.username}`} onClick={() => change.mutate({ user: member.id, access: null })}><Trash2 size={16} /></ActionIcon>
                      )}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </div>
        )}
      </QueryView>
    </>
  )
}

function AddMember({ onAdded }: { onAdded: () => void }) {
  const { project, level } = useProject()
  const [text, setText] = useState('')
  const [search] = useDebouncedValue(text, 200)
  const [user, setUser] = useState<string | null>(null)
  const [role, setRole] = useState('30')
  const users = useQuery({ queryKey: ['users', search], queryFn: () => forge.findUsers(search), enabled: search.length > 0 })
  const add = useMutation({
    mutationFn: () => forge.addMember(project.id, { user_id: Number(user), access_level: Number(role) }),
    onSuccess: () => { setUser(null); setText(''); onAdded() },
  })
  return (
    <form onSubmit={(event) => { event.preventDefault(); add.mutate() }}>
      <Group mb="md" align="flex-end">
        <Select label="Add a member" placeholder="Name or user name" searchable searchValue={text} onSearchChange={setText} value={user} onChange={setUser} nothingFoundMessage={search ? 'Nobody found' : 'Type a name'} data={users.data?.items.map((found) => ({ value: String(found.id), label: `${found.name} (@${found.username})` })) ?? []} w={300} filter={({ options }) => options} />
        <Select label="Role" allowDeselect={false} data={ROLES.filter((entry) => Number(entry.value) <= level)} value={role} onChange={(next) => setRole(next ?? '30')} w={330} />
        <Button type="submit" disabled={!user} loading={add.isPending}>Add</Button>
      </Group>
      {add.error && <Alert color="red" mb="md" role="alert">{add.error.message}</Alert>}
    </form>
  )
}
