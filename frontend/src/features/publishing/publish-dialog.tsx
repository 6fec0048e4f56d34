/** Publishing in two steps: look at what was found in the program, then choose name, number and environment. */
import { Button, Group, Loader, Modal, Select, Stack, Text } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { PackagePlus } from 'lucide-react'
import { useState } from 'react'
import * as management from '@/api/management'
import { useProject } from '@/components/project-context'
import { FormError } from '@/components/states'
import { Findings } from './findings'
import { PublishForm } from './publish-form'
import { RefPicker } from './ref-picker'

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
  const small = useMediaQuery('(max-width: 640px)')
  const [ref, setRef] = useState(branch)
  const [chosen, setChosen] = useState<string | null>(null)
  const [subcommand, setSubcommand] = useState<string | null>(null)
  const entries = useQuery({ queryKey: ['entries', project.id, ref], queryFn: () => management.listEntries(project.id, ref) })
  // A description says which program is meant: where there is just one, nothing need be chosen.
  const descriptions = entries.data?.filter((path) => /(^|\/)processor\.yaml$/.test(path)) ?? []
  const entry = chosen ?? (descriptions.length === 1 || entries.data?.length === 1 ? (entries.data?.[0] ?? null) : null)
  const order = { ref, entry: entry ?? '', ...(subcommand ? { subcommand } : {}) }
  const inspection = useQuery({
    queryKey: ['inspect', project.id, order],
    queryFn: () => management.inspect(project.id, order),
    enabled: entry !== null,
    retry: false,
    gcTime: 0,
  })
  const publish = useMutation({
    mutationFn: (rest: Omit<management.PublishOrder, 'ref' | 'entry'>) => management.publish(project.id, { ...rest, ...order }),
    onSuccess: (publication) => void navigate({ to: '/$ns/$slug/-/publications/$publicationId', params: { ...params, publicationId: publication.id } }),
  })
  const found = inspection.data
  const again = () => { setSubcommand(null); publish.reset() }
  return (
    <Modal opened onClose={onClose} title="Publish a processor" size={860} fullScreen={small} closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack>
        <Group align="flex-end">
          <RefPicker project={project.id} value={ref} onChange={(next) => { setRef(next); setChosen(null); again() }} />
          <Select
            label="Program or description"
            placeholder={entries.isPending ? 'Looking for programs' : 'Choose a file'}
            flex="2 1 220px"
            searchable
            data={entries.data ?? []}
            value={entry}
            onChange={(next) => { setChosen(next); again() }}
            nothingFoundMessage="No Python file or processor.yaml here"
            rightSection={entries.isFetching ? <Loader size={14} /> : undefined}
          />
          {found?.subcommands && found.subcommands.length > 1 && (
            <Select
              label="Subcommand"
              placeholder="Choose one"
              flex="1 1 140px"
              data={found.subcommands.map((one) => one.name)}
              value={found.subcommand ?? subcommand}
              onChange={(next) => { setSubcommand(next); publish.reset() }}
              allowDeselect={false}
            />
          )}
        </Group>
        <FormError error={entries.error ?? inspection.error} />
        {entries.data?.length === 0 && <Text size="sm" c="dimmed">There is no Python file and no processor.yaml at {ref}. Programs in other languages are described in a processor.yaml.</Text>}
        {inspection.isFetching && <Group gap="xs"><Loader size={16} /><Text size="sm">Reading parameters</Text></Group>}
        {found && !inspection.isFetching && (
          <>
            <Findings found={found} />
            {found.errors.length === 0 && (
              <PublishForm key={`${found.commit}:${found.entry}:${found.subcommand}`} found={found} error={publish.error} pending={publish.isPending} onPublish={(rest) => publish.mutate(rest)} />
            )}
          </>
        )}
      </Stack>
    </Modal>
  )
}
