/** Where a step reads from: files of a branch, or an output of an earlier step. */
import { Button, Group, Input, SegmentedControl, Select } from '@mantine/core'
import { FolderOpen } from 'lucide-react'
import { useState } from 'react'
import type { InputSource } from '@/api/types'
import { PathDialog } from './path-dialog'
import { outputNames, type DraftStep } from './draft'
import { useProject } from '@/components/project-context'

type Props = {
  label: string
  required: boolean
  value: InputSource | undefined
  earlier: DraftStep[]
  error?: string
  onChange: (source: InputSource | undefined) => void
}

export function InputPicker({ label, required, value, earlier, error, onChange }: Props) {
  const { branch } = useProject()
  const [open, setOpen] = useState(false)
  const fromStep = value !== undefined && 'step' in value
  const place = value === undefined || 'step' in value ? null : value
  const ref = place ? ('branch' in place ? place.branch : place.commit) : branch
  const outputs = earlier.flatMap((step) => outputNames(step.version).map((output) => ({ value: `${step.name}/${output}`, label: `${step.name}: ${output}` })))
  return (
    <Input.Wrapper label={`Input: ${label}`} required={required} error={error} labelElement="div">
      <Group gap="xs" mt={4}>
        {earlier.length > 0 && (
          <SegmentedControl
            size="xs"
            aria-label={`Where ${label} comes from`}
            value={fromStep ? 'step' : 'files'}
            onChange={(next) => onChange(next === 'step' ? toStep(outputs.at(-1)?.value) : { branch, path: '' })}
            data={[{ value: 'files', label: 'Files' }, { value: 'step', label: 'Earlier step' }]}
          />
        )}
        {fromStep ? (
          <Select aria-label={`Output for ${label}`} data={outputs} value={`${value.step}/${value.output}`} allowDeselect={false} onChange={(next) => onChange(toStep(next))} flex={1} />
        ) : (
          <Button variant="default" justify="flex-start" flex={1} leftSection={<FolderOpen size={16} />} onClick={() => setOpen(true)} aria-label={`Choose data for ${label}`}>
            {place ? `${'commit' in place ? ref.slice(0, 8) : ref} : /${place.path}` : 'Choose files'}
          </Button>
        )}
      </Group>
      {open && (
        <PathDialog
          branch={place && 'branch' in place ? place.branch : branch}
          path={place?.path ?? ''}
          onClose={() => setOpen(false)}
          onChoose={(source) => { onChange(source); setOpen(false) }}
        />
      )}
    </Input.Wrapper>
  )
}

function toStep(text: string | null | undefined): InputSource | undefined {
  if (!text) return undefined
  const [step = '', output = ''] = text.split('/')
  return { step, output }
}
