/** A new project: data or code, where it lives, who sees it. */
import { Button, Checkbox, Group, Modal, SegmentedControl, Select, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import * as forge from '@/api/forge'
import { namespacesQuery } from '@/api/queries/projects'
import { useSession } from '@/api/queries/session'
import { CODE_TOPIC, DATA_TOPIC } from '@/components/project-context'
import { FormError } from '@/components/states'
import { slugify, splitProjectPath } from '@/lib/paths'

export function NewProjectDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const session = useSession()
  const namespaces = useQuery(namespacesQuery)
  const [type, setType] = useState('data')
  const [name, setName] = useState('')
  const [path, setPath] = useState<string | null>(null)
  const [namespace, setNamespace] = useState<string | null>(null)
  const [visibility, setVisibility] = useState<forge.Visibility>('private')
  const [description, setDescription] = useState('')
  const [readme, setReadme] = useState(true)
  const slug = path ?? slugify(name)
  const create = useMutation({
    mutationFn: () =>
      forge.createProject({
        name,
        path: slug,
        namespace_id: namespace ? Number(namespace) : undefined,
        visibility,
        description,
        initialize_with_readme: readme,
        topics: [type === 'code' ? CODE_TOPIC : DATA_TOPIC],
      }),
    onSuccess: (project) => {
      void client.invalidateQueries({ queryKey: ['projects'] })
      onClose()
      void navigate({ to: '/$ns/$slug', params: splitProjectPath(project.path_with_namespace) })
    },
  })
  const options = namespaces.data?.items.map((entry) => ({ value: String(entry.id), label: entry.full_path })) ?? []
  return (
    <Modal opened onClose={onClose} title="New project" size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={(event) => { event.preventDefault(); create.mutate() }}>
        <Stack>
          <FormError error={create.error} />
          <div>
            <SegmentedControl fullWidth aria-label="Type of project" value={type} onChange={setType} data={[{ value: 'data', label: 'Data project' }, { value: 'code', label: 'Code project' }]} />
            <Text size="sm" c="dimmed" mt={4}>{type === 'data' ? 'Holds data, and the results of experiments and pipelines on it.' : 'Holds the source of processors that you publish.'}</Text>
          </div>
          <TextInput label="Name" required autoFocus value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
          <Group grow align="flex-start">
            <Select label="Owner" placeholder={session.data?.username} data={options} value={namespace} onChange={setNamespace} searchable clearable />
            <TextInput label="Path" value={slug} onChange={(event) => setPath(event.currentTarget.value)} description={null} />
          </Group>
          <Select label="Visibility" allowDeselect={false} value={visibility} onChange={(next) => setVisibility((next ?? 'private') as forge.Visibility)} data={[{ value: 'private', label: 'Private: members only' }, { value: 'internal', label: 'Internal: everyone logged in' }, { value: 'public', label: 'Public: everyone' }]} />
          <Textarea label="Description" autosize minRows={2} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
          <Checkbox label="Start with a README, so that it can be cloned at once" checked={readme} onChange={(event) => setReadme(event.currentTarget.checked)} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button type="submit" loading={create.isPending} disabled={!slug}>Create project</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
