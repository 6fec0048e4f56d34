/** A copy of a project in a namespace of one's own. */
import { Button, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import * as forge from '@/api/forge'
import { namespacesQuery } from '@/api/queries/projects'
import { useSession } from '@/api/queries/session'
import { useProject } from '@/components/project-context'
import { FormError } from '@/components/states'
import { splitProjectPath } from '@/lib/paths'

export function ForkDialog({ onClose }: { onClose: () => void }) {
  const { project } = useProject()
  const session = useSession()
  const client = useQueryClient()
  const navigate = useNavigate()
  const namespaces = useQuery(namespacesQuery)
  const [namespace, setNamespace] = useState<string | null>(null)
  const [path, setPath] = useState(project.path)
  const fork = useMutation({
    mutationFn: () => forge.forkProject(project.id, { namespace_id: namespace ? Number(namespace) : undefined, path, name: path }),
    onSuccess: (copy) => {
      void client.invalidateQueries({ queryKey: ['projects'] })
      onClose()
      void navigate({ to: '/$ns/$slug', params: splitProjectPath(copy.path_with_namespace) })
    },
  })
  return (
    <Modal opened onClose={onClose} title={`Fork ${project.path_with_namespace}`} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={(event) => { event.preventDefault(); fork.mutate() }}>
        <Stack>
          <FormError error={fork.error} />
          <Text size="sm" c="dimmed">The fork shares the stored files with its origin, so it takes almost no space.</Text>
          <Select label="Owner" placeholder={session.data?.username} searchable clearable value={namespace} onChange={setNamespace} data={namespaces.data?.items.map((entry) => ({ value: String(entry.id), label: entry.full_path })) ?? []} />
          <TextInput label="Path" required value={path} onChange={(event) => setPath(event.currentTarget.value)} data-autofocus />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button type="submit" loading={fork.isPending}>Fork</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
