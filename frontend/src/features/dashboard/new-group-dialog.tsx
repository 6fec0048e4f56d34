/** A new group, the common owner of several projects. */
import { Button, Group, Modal, Select, Stack, Textarea, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import * as forge from '@/api/forge'
import { FormError } from '@/components/states'
import { slugify } from '@/lib/paths'

export function NewGroupDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [path, setPath] = useState<string | null>(null)
  const [visibility, setVisibility] = useState<forge.Visibility>('private')
  const [description, setDescription] = useState('')
  const slug = path ?? slugify(name)
  const create = useMutation({
    mutationFn: () => forge.createGroup({ name, path: slug, visibility, description }),
    onSuccess: (group) => {
      void client.invalidateQueries({ queryKey: ['namespaces'] })
      notifications.show({ title: 'Group created', message: `${group.full_path} can now own projects.`, color: 'green' })
      onClose()
    },
  })
  return (
    <Modal opened onClose={onClose} title="New group" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={(event) => { event.preventDefault(); create.mutate() }}>
        <Stack>
          <FormError error={create.error} />
          <TextInput label="Name" required data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <TextInput label="Path" value={slug} onChange={(event) => setPath(event.currentTarget.value)} />
          <Select label="Visibility" allowDeselect={false} value={visibility} onChange={(next) => setVisibility((next ?? 'private') as forge.Visibility)} data={['private', 'internal', 'public']} />
          <Textarea label="Description" value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button type="submit" loading={create.isPending} disabled={!slug}>Create group</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
