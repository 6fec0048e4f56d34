/** Name, number, kind, environment and the rest of what is published. */
import { Alert, Button, Checkbox, Group, Select, SimpleGrid, Stack, TagsInput, Text, Textarea, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import * as management from '@/api/management'
import type { PublishOrder } from '@/api/management'
import { ApiError } from '@/api/http'
import type { Inspection, Kind } from '@/api/types'
import { useProject } from '@/components/project-context'
import { FormError } from '@/components/states'
import { EnvironmentPicker } from './environment-picker'
import { adviceFor, draftOf, toOrder, type Advice, type Draft } from './draft'

type Props = { found: Inspection; error: unknown; pending: boolean; onPublish: (order: Omit<PublishOrder, 'ref' | 'entry'>) => void }

const KINDS = [
  { value: 'operation', label: 'Operation: data to data' },
  { value: 'algorithm', label: 'Algorithm: data to model and metrics' },
  { value: 'visualization', label: 'Visualization: data to pictures' },
]
const NETWORKS = [
  { value: 'none', label: 'None' },
  { value: 'package-index', label: 'Package index only' },
  { value: 'open', label: 'Open: any host' },
]

export function PublishForm({ found, error, pending, onPublish }: Props) {
  const { project } = useProject()
  const published = useQuery({ queryKey: ['project-processors', project.id], queryFn: () => management.listProjectProcessors(project.id) })
  const [draft, setDraft] = useState<Draft>(() => draftOf(found))
  const set = (change: Partial<Draft>) => setDraft((old) => ({ ...old, ...change }))
  const details = error instanceof ApiError ? error.details : []
  const fault = (field: string) => details.find((detail) => detail.field === field)?.message
  const advice = published.data ? adviceFor(draft.name, found, published.data) : null
  const open = draft.network === 'open'
  const text = (key: 'title' | 'licence' | 'model_type' | 'ml_category', label: string, more: { description?: string; placeholder?: string } = {}) => (
    <TextInput label={label} {...more} value={draft[key]} error={fault(key)} onChange={(event) => set({ [key]: event.currentTarget.value })} />
  )
  return (
    <form onSubmit={(event) => { event.preventDefault(); onPublish(toOrder({ ...draft, version: draft.version || (advice?.next ?? '') }, found)) }}>
      <Stack>
        <FormError error={error} />
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput label="Name" description="Lower-case letters, digits, dashes" required pattern="[a-z0-9][a-z0-9\-]*" value={draft.name} error={fault('name')} onChange={(event) => set({ name: event.currentTarget.value })} />
          <TextInput label="Version" description={advice ? `Published is ${advice.against}` : 'The first one'} placeholder={advice?.next ?? '1.0.0'} value={draft.version} error={fault('version')} onChange={(event) => set({ version: event.currentTarget.value })} />
        </SimpleGrid>
        {advice && <VersionAdvice advice={advice} />}
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <Select label="Kind" allowDeselect={false} data={KINDS} value={draft.kind} error={fault('kind')} onChange={(next) => set({ kind: (next ?? 'operation') as Kind })} />
          {text('title', 'Title')}
        </SimpleGrid>
        <EnvironmentPicker value={draft.environment} error={fault('environment')} onChange={(environment) => set({ environment })} />
        <Textarea label="Description" autosize minRows={2} value={draft.description} error={fault('description')} onChange={(event) => set({ description: event.currentTarget.value })} />
        <Textarea label="What is new" description="Markdown. Empty: the changelog file, or the commits since the last version" autosize minRows={2} value={draft.changelog} error={fault('changelog')} onChange={(event) => set({ changelog: event.currentTarget.value })} />
        <details>
          <summary>Types, licence, network</summary>
          <SimpleGrid cols={{ base: 1, sm: 2 }} mt="sm">
            <TagsInput label="Data in" placeholder="image, table, text, audio" value={draft.input_types} error={fault('input_types')} onChange={(input_types) => set({ input_types })} acceptValueOnBlur />
            <TagsInput label="Data out" placeholder="image, table, model" value={draft.output_types} error={fault('output_types')} onChange={(output_types) => set({ output_types })} acceptValueOnBlur />
            {text('model_type', 'Task', { placeholder: 'classification' })}
            {text('ml_category', 'Learning', { placeholder: 'supervised' })}
            {text('licence', 'Licence', { placeholder: 'Apache-2.0', description: 'An SPDX expression' })}
            <Select label="Network" description="What it may reach while it runs" allowDeselect={false} data={NETWORKS} value={draft.network} error={fault('network')} onChange={(next) => set({ network: next ?? 'none', consent: false })} />
            <TagsInput label="Tags" value={draft.tags} error={fault('tags')} onChange={(tags) => set({ tags })} acceptValueOnBlur />
          </SimpleGrid>
        </details>
        {open && (
          <Alert color="yellow" title="This processor asks for the open network">
            <Text size="sm" mb="xs">Whoever runs it lets it send their data to any host. Publish it so only if that is what it is for.</Text>
            <Checkbox label="I agree, as a maintainer of this project" checked={draft.consent} error={fault('consent_network')} onChange={(event) => set({ consent: event.currentTarget.checked })} />
          </Alert>
        )}
        <Group justify="flex-end">
          <Button type="submit" loading={pending} disabled={!draft.name || !draft.environment || (open && !draft.consent)}>
            Publish{draft.version || advice?.next ? ` ${draft.version || advice?.next}` : ''}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

const WORDS = { feature: 'Parameters were added or changed; earlier calls still work.', fix: 'The parameters are the same.' }

function VersionAdvice({ advice }: { advice: Advice }) {
  if (advice.weight !== 'breaking') return <Text size="sm" c="dimmed">{WORDS[advice.weight]} {advice.next} is suggested.</Text>
  return (
    <Alert color="yellow" title={`Breaking changes against ${advice.against}`}>
      <ul className="plain-list">{advice.difference.breaking.map((one) => <li key={one}>{one}</li>)}</ul>
      <Text size="sm" mt={4}>Whoever asks for a range keeps what they have with {advice.next}.</Text>
    </Alert>
  )
}
