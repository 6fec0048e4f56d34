/** One step of the draft: name, inputs, parameters, machine. */
import { ActionIcon, Alert, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import { machinesQuery } from '@/api/queries/processors'
import type { MachineClass, PlanStep } from '@/api/types'
import { LinkAnchor } from '@/components/links'
import { KindIcon } from '@/components/processor-marks'
import { Chip } from '@/components/status-badge'
import { formatBytes } from '@/lib/format'
import { rangeChoices } from '@/lib/versions'
import { chooseVersion, faultAt, inputNames, isInputRequired, isRead, type DraftStep, type Faults } from './draft'
import { InputPicker } from './input-picker'
import { ParameterField } from './parameter-field'

type Props = {
  step: DraftStep
  index: number
  earlier: DraftStep[]
  faults: Faults
  plan: PlanStep | undefined
  onChange: (step: DraftStep) => void
  onRename: (name: string) => void
  onRemove: () => void
}

export function StepEditor({ step, index, earlier, faults, plan, onChange, onRename, onRemove }: Props) {
  const machines = useQuery(machinesQuery)
  const at = `steps[${index}]`
  const shown = step.version.parameters.filter((parameter) => parameter.role === 'value')
  return (
    <section className="step-card" aria-label={`Step ${index + 1}: ${step.name}`}>
      <div className="panel-head">
        <KindIcon kind={step.processor.kind} size={16} />
        <Text fw={650} className="grow">{index + 1}. {step.processor.title || step.processor.name} <Text span size="sm" c="dimmed">{step.processor.slug}@{step.wanted}</Text></Text>
        {plan && <Chip tone={plan.cached ? 'good' : 'idle'}>{plan.cached ? 'from cache' : 'will run'}</Chip>}
        <ActionIcon variant="subtle" color="gray" aria-label={`Remove step ${step.name}`} onClick={onRemove}><Trash2 size={16} /></ActionIcon>
      </div>
      <Stack className="panel-body" gap="md">
        {faults[`${at}.processor`] && <Text c="var(--mantine-color-error)" size="sm" role="alert">{faults[`${at}.processor`]}</Text>}
        <Standing step={step} />
        {inputNames(step.version).map((name) => (
          <InputPicker
            key={name}
            label={name}
            required={isInputRequired(step.version, name)}
            value={step.inputs[name]}
            earlier={earlier.filter(isRead)}
            error={faultAt(faults, `${at}.inputs.${name}`)}
            onChange={(source) => onChange({ ...step, inputs: source ? { ...step.inputs, [name]: source } : without(step.inputs, name) })}
          />
        ))}
        {shown.length > 0 && (
          <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
            {shown.map((parameter) => (
              <ParameterField
                key={parameter.name}
                parameter={parameter}
                value={step.raw[parameter.name] ?? ''}
                error={faultAt(faults, `${at}.parameters.${parameter.name}`)}
                onChange={(value) => onChange({ ...step, raw: { ...step.raw, [parameter.name]: value } })}
              />
            ))}
          </SimpleGrid>
        )}
        <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="md">
          <Select label="Version" allowDeselect={false} data={choicesOf(step)} value={step.wanted} error={faultAt(faults, `${at}.version`)} onChange={(wanted) => wanted && onChange(chooseVersion(step, wanted))} />
          <TextInput label="Step name" value={step.name} error={faults[`${at}.name`]} onChange={(event) => onRename(event.currentTarget.value)} />
          <Select label="Machine" placeholder="Default" clearable data={machines.data?.map((machine) => ({ value: machine.name, label: describe(machine) })) ?? []} value={step.machine} error={faults[`${at}.machine`]} onChange={(machine) => onChange({ ...step, machine })} />
        </SimpleGrid>
        {plan?.cache_reason && <Text size="xs" c="dimmed">Cache: {plan.cache_reason}</Text>}
      </Stack>
    </section>
  )
}

/** The range that an earlier run asked for stays a choice, even when it is none of the usual ones. */
function choicesOf(step: DraftStep) {
  const choices = rangeChoices(step.processor.versions ?? [step.version])
  return choices.some((one) => one.value === step.wanted) ? choices : [{ value: step.wanted, label: step.wanted }, ...choices]
}

function Standing({ step }: { step: DraftStep }) {
  const { status, status_message: message, replacement, version } = step.version
  if (status !== 'deprecated' && status !== 'unpublished') return null
  return (
    <Alert color={status === 'deprecated' ? 'yellow' : 'red'} title={`Version ${version} is ${status}`}>
      {message} {replacement && <>Use {replacement} instead.</>}{' '}
      <LinkAnchor to="/marketplace/$processorId" params={{ processorId: step.processor.id }} search={{ version }}>Look at it</LinkAnchor>
    </Alert>
  )
}

function without<T>(record: Record<string, T>, name: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== name))
}

function describe(machine: MachineClass): string {
  const facts = [
    machine.cpus ? `${machine.cpus} CPU` : null,
    machine.memory_bytes ? formatBytes(machine.memory_bytes) : null,
    machine.gpus ? `${machine.gpus} GPU` : null,
    machine.price_per_hour && Number(machine.price_per_hour) > 0 ? `${machine.price_per_hour} ${machine.currency ?? ''} / h` : null,
  ].filter(Boolean)
  return `${machine.title || machine.name}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}`
}
