/** Name, kind, environment and version of what is published. */
import { Button, Group, Select, SimpleGrid, Stack, Textarea, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { PublishOrder } from '@/api/management'
import { environmentsQuery } from '@/api/queries/processors'
import { ApiError } from '@/api/http'
import type { Inspection, Kind } from '@/api/types'
import { FormError } from '@/components/states'

type Props = {
  suggested: Inspection['suggested']
  error: unknown
  pending: boolean
  onPublish: (order: Omit<PublishOrder, 'ref' | 'entry'>) => void
}

const KINDS = [
  { value: 'operation', label: 'Operation: data to data' },
  { value: 'algorithm', label: 'Algorithm: data to model and metrics' },
  { value: 'visualization', label: 'Visualization: data to pictures' },
]

export function PublishForm({ suggested, error, pending, onPublish }: Props) {
  const environments = useQuery(environmentsQuery)
  const [name, setName] = useState(suggested.name)
  const [title, setTitle] = useState(suggested.title ?? '')
  const [description, setDescription] = useState(suggested.description ?? '')
  const [kind, setKind] = useState<Kind>(suggested.kind)
  const [environment, setEnvironment] = useState<string | null>(suggested.environment)
  const [version, setVersion] = useState('')
  const details = error instanceof ApiError ? error.details : []
  const fault = (field: string) => details.find((detail) => detail.field === field)?.message
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        onPublish({ name, title, description, kind, environment: environment ?? '', version: version || undefined, input_types: [], output_types: [] })
      }}
    >
      <Stack>
        <FormError error={error} />
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput label="Name" description="Lower-case letters, digits, dashes" required pattern="[a-z0-9][a-z0-9._\-]*" value={name} error={fault('name')} onChange={(event) => setName(event.currentTarget.value)} />
          <TextInput label="Version" description="Empty: the next one" placeholder="1.0.0" value={version} error={fault('version')} onChange={(event) => setVersion(event.currentTarget.value)} />
          <Select label="Kind" allowDeselect={false} data={KINDS} value={kind} error={fault('kind')} onChange={(next) => setKind((next ?? 'operation') as Kind)} />
          <Select label="Environment" required allowDeselect={false} data={environments.data?.filter((entry) => entry.selectable !== false).map((entry) => ({ value: entry.name, label: entry.title || entry.name })) ?? []} value={environment} error={fault('environment')} onChange={setEnvironment} />
        </SimpleGrid>
        <TextInput label="Title" value={title} onChange={(event) => setTitle(event.currentTarget.value)} />
        <Textarea label="Description" autosize minRows={2} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
        <Group justify="flex-end"><Button type="submit" loading={pending} disabled={!name || !environment}>Publish</Button></Group>
      </Stack>
    </form>
  )
}
