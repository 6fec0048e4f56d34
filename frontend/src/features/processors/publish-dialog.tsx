/** Publishing in two steps: look at what the parser finds, then choose name, kind and environment. */
import { Button, Group, Loader, Modal, Select, Stack, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { PackagePlus } from 'lucide-react'
import { useState } from 'react'
import * as management from '@/api/management'
import type { Inspection } from '@/api/types'
import { BranchPicker } from '@/components/branch-picker'
import { ParameterTable } from '@/components/parameter-table'
import { useProject } from '@/components/project-context'
import { SourceProblems } from '@/components/source-problems'
import { FormError } from '@/components/states'
import { PublishForm } from './publish-form'

export function PublishButton() {
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button leftSection={<PackagePlus size={16} />} onClick={() => setOpen(true)}>Publish</Button>
      {open && <PublishDialog onClose={() => setOpen(false)} />}
    </>
  )
}

function PublishDialog({ onClose }: { onClose: () => void }) {
  const { project, branch, params } = useProject()
  const navigate = useNavigate()
  const [ref, setRef] = useState(branch)
  const [entry, setEntry] = useState<string | null>(null)
  const entries = useQuery({ queryKey: ['entries', project.id, ref], queryFn: () => management.listEntries(project.id, ref) })
  const inspection = useQuery({
    queryKey: ['inspect', project.id, ref, entry],
    queryFn: () => management.inspect(project.id, ref, entry ?? ''),
    enabled: entry !== null,
    retry: false,
    gcTime: 0,
  })
  const publish = useMutation({
    mutationFn: (order: Omit<management.PublishOrder, 'ref' | 'entry'>) => management.publish(project.id, { ...order, ref, entry: entry ?? '' }),
    onSuccess: (publication) => void navigate({ to: '/$ns/$slug/-/publications/$publicationId', params: { ...params, publicationId: publication.id } }),
  })
  const found = inspection.data
  return (
    <Modal opened onClose={onClose} title="Publish a processor" size="xl" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack>
        <Group align="flex-end">
          <BranchPicker project={project.id} label="Branch" value={ref} onChange={(next) => { setRef(next); setEntry(null) }} />
          <Select
            label="Entry file"
            placeholder={entries.isPending ? 'Looking for Python files' : 'Choose a Python file'}
            flex={1}
            searchable
            data={entries.data ?? []}
            value={entry}
            onChange={setEntry}
            nothingFoundMessage="No Python file on this branch"
            rightSection={entries.isFetching ? <Loader size={14} /> : undefined}
          />
        </Group>
        <FormError error={entries.error ?? inspection.error} />
        {inspection.isFetching && <Group gap="xs"><Loader size={16} /><Text size="sm">Reading parameters</Text></Group>}
        {found && !inspection.isFetching && (
          <>
            <Findings found={found} />
            {found.errors.length === 0 && (
              <PublishForm key={`${found.commit}:${found.entry}`} suggested={found.suggested} error={publish.error} pending={publish.isPending} onPublish={(order) => publish.mutate(order)} />
            )}
          </>
        )}
      </Stack>
    </Modal>
  )
}

function Findings({ found }: { found: Inspection }) {
  return (
    <>
      <SourceProblems problems={found.errors} tone="error" />
      <SourceProblems problems={found.warnings} tone="warning" />
      {found.errors.length === 0 && (
        <section className="panel" aria-label="Parameters found">
          <div className="panel-head">
            <Text size="sm" fw={600}>{found.parameters.length} parameters found in {found.entry}</Text>
            <Text size="sm" c="dimmed">{found.requirements ? `packages from ${found.requirements}` : 'no requirements file'}</Text>
          </div>
          <ParameterTable parameters={found.parameters} positions />
        </section>
      )}
    </>
  )
}
