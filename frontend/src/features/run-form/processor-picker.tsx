/** Choosing the processor of a step. */
import { Button, Group, Modal, SegmentedControl, Stack, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Plus, Search } from 'lucide-react'
import { useState } from 'react'
import * as management from '@/api/management'
import { processorsQuery } from '@/api/queries/processors'
import type { Kind, Processor, ProcessorVersion } from '@/api/types'
import { Empty, FormError, QueryView } from '@/components/states'
import { KindIcon, Verified, VersionState } from '@/components/processor-marks'
import { resolveRange } from '@/lib/versions'

type Props = { kinds: Kind[]; preferred: Kind; label: string; onChoose: (processor: Processor, version: ProcessorVersion) => void }

export function ProcessorPicker({ kinds, preferred, label, onChoose }: Props) {
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button variant="light" leftSection={<Plus size={16} />} onClick={() => setOpen(true)}>{label}</Button>
      {open && <PickerDialog kinds={kinds} preferred={preferred} onClose={() => setOpen(false)} onChoose={(processor, version) => { onChoose(processor, version); setOpen(false) }} />}
    </>
  )
}

type DialogProps = Omit<Props, 'label'> & { onClose: () => void }

function PickerDialog({ kinds, preferred, onClose, onChoose }: DialogProps) {
  const [kind, setKind] = useState<string>(preferred)
  const [text, setText] = useState('')
  const [search] = useDebouncedValue(text, 200)
  const query = useQuery(processorsQuery({ kind: [kind], search, sort: search ? 'relevance' : 'usage', per_page: 50 }))
  const choose = useMutation({
    mutationFn: async (processor: Processor) => {
      const whole = await management.getProcessor(processor.id)
      const version = resolveRange(whole.versions ?? [], 'latest') ?? whole.latest
      if (!version) throw new Error('This processor has no published version.')
      return { whole, version }
    },
    onSuccess: ({ whole, version }) => onChoose(whole, version),
  })
  return (
    <Modal opened onClose={onClose} title="Choose a processor" size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack>
        <Group>
          <TextInput flex="1 1 190px" data-autofocus aria-label="Search processors" placeholder="Search" leftSection={<Search size={16} />} value={text} onChange={(event) => setText(event.currentTarget.value)} />
          {kinds.length > 1 && <SegmentedControl aria-label="Kind" value={kind} onChange={setKind} data={kinds.map((entry) => ({ value: entry, label: `${entry}s` }))} />}
        </Group>
        <FormError error={choose.error} />
        <QueryView query={query} isEmpty={(found) => found.items.length === 0} empty={<Empty title={`No ${kind} found`}>Publish one from a code project, or search for something else.</Empty>}>
          {(found) => (
            <div className="step-list" style={{ maxHeight: 420, overflowY: 'auto' }}>
              {found.items.map((processor) => (
                <button key={processor.id} type="button" className="step-item" disabled={choose.isPending} onClick={() => choose.mutate(processor)}>
                  <KindIcon kind={processor.kind} />
                  <span className="grow">
                    <Text span fw={600}>{processor.title || processor.name}</Text> <Verified processor={processor} /> <VersionState status={processor.latest?.status} />
                    <Text size="xs" c="dimmed" className="cut">{processor.slug}</Text>
                    <Text size="sm" c="dimmed" lineClamp={1}>{processor.description}</Text>
                  </span>
                  <span className="id nowrap">{processor.latest?.version ?? '–'}</span>
                </button>
              ))}
            </div>
          )}
        </QueryView>
      </Stack>
    </Modal>
  )
}
