/** Name, description, visibility, topics; and the deletion that asks twice. */
import { Button, Group, Modal, Select, Stack, TagsInput, Text, Textarea, TextInput, Title } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import * as forge from '@/api/forge'
import { useProject } from '@/components/project-context'
import { PageHead } from '@/components/small'
import { Failure, FormError } from '@/components/states'
import { ApiError } from '@/api/http'

export function SettingsPage() {
  const { project, level } = useProject()
  const client = useQueryClient()
  const [draft, setDraft] = useState({
    name: project.name,
    description: project.description ?? '',
    visibility: project.visibility,
    topics: project.topics ?? [],
  })
  const save = useMutation({
    mutationFn: () => forge.editProject(project.id, draft),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['project'] })
      notifications.show({ color: 'green', message: 'Settings saved.' })
    },
  })
  if (level < 40) return <Failure error={new ApiError(403, 'Maintainers change the settings of a project.')} />
  return (
    <>
      <PageHead title="Settings" />
      <form onSubmit={(event) => { event.preventDefault(); save.mutate() }}>
        <Stack maw={620}>
          <FormError error={save.error} />
          <TextInput label="Name" required value={draft.name} onChange={(event) => setDraft({ ...draft, name: event.currentTarget.value })} />
          <Textarea label="Description" autosize minRows={2} value={draft.description} onChange={(event) => setDraft({ ...draft, description: event.currentTarget.value })} />
          <Select label="Visibility" allowDeselect={false} data={['private', 'internal', 'public']} value={draft.visibility} onChange={(next) => setDraft({ ...draft, visibility: (next ?? 'private') as forge.Visibility })} />
          <TagsInput label="Topics" description="“code-project” marks a project with the source of processors, “data-project” one with data" value={draft.topics} onChange={(topics) => setDraft({ ...draft, topics })} />
          <Group><Button type="submit" loading={save.isPending}>Save</Button></Group>
        </Stack>
      </form>
      {level >= 50 && <DangerZone />}
    </>
  )
}

function DangerZone() {
  const { project } = useProject()
  const client = useQueryClient()
  const navigate = useNavigate()
  const [open, setOpen] = useState(false)
  const [typed, setTyped] = useState('')
  const remove = useMutation({
    mutationFn: () => forge.deleteProject(project.id),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['projects'] })
      notifications.show({ message: `${project.path_with_namespace} is deleted.` })
      void navigate({ to: '/projects' })
    },
  })
  return (
    <section className="panel" style={{ maxWidth: 620, marginTop: 40, borderColor: 'var(--mantine-color-red-6)' }} aria-labelledby="danger">
      <div className="panel-body">
        <Title order={2} size="h5" id="danger">Delete this project</Title>
        <Text size="sm" c="dimmed" my="xs">Files, runs, experiments and published processors become unreachable for everybody.</Text>
        <Button color="red.8" onClick={() => setOpen(true)}>Delete project</Button>
      </div>
      <Modal opened={open} onClose={() => setOpen(false)} title="Delete this project?" closeButtonProps={{ 'aria-label': 'Close' }}>
        <Stack>
          <FormError error={remove.error} />
          <TextInput label={<>Type <strong>{project.path_with_namespace}</strong> to confirm</>} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} data-autofocus />
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setOpen(false)}>Cancel</Button>
            <Button color="red.8" disabled={typed !== project.path_with_namespace} loading={remove.isPending} onClick={() => remove.mutate()}>Delete for good</Button>
          </Group>
        </Stack>
      </Modal>
    </section>
  )
}
