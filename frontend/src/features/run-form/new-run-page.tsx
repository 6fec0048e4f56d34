/** A new experiment, data pipeline or visualization: steps in a list, checked before anything runs. */
import { Alert, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { ListChecks, Play } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { ApiError } from '@/api/http'
import * as management from '@/api/management'
import type { RunKind, Validation } from '@/api/types'
import { useProject } from '@/components/project-context'
import { PageHead } from '@/components/small'
import { Empty, Failure, FormError, Loading } from '@/components/states'
import { plural } from '@/lib/format'
import { loadStart } from './api/start'
import { addStep, ALLOWED, removeStep, renameStep, TITLES, toDefinition, type Draft, type Faults } from './draft'
import { ProcessorPicker } from './processor-picker'
import { StepEditor } from './step-editor'

export function NewRunPage() {
  const { project, branch, level } = useProject()
  const search = useSearch({ from: '/$ns/$slug/-/runs/new' })
  const kind = (search.kind !== undefined && search.kind in TITLES ? search.kind : 'dataops') as RunKind
  const start = useQuery({
    queryKey: ['start', project.id, search],
    queryFn: () => loadStart(kind, { ...search, branch: search.branch ?? branch }),
    staleTime: Infinity,
    gcTime: 0,
  })
  if (level < 30) return <Failure error={new ApiError(403, 'Developers start runs. Ask a maintainer of this project.')} />
  if (start.isPending) return <Loading kind="form" />
  if (start.isError) return <Failure error={start.error} retry={() => void start.refetch()} />
  return <RunForm key={kind} initial={start.data} source={{ branch: search.branch ?? branch, path: search.path ?? '' }} />
}

function RunForm({ initial, source }: { initial: Draft; source: { branch: string; path: string } }) {
  const { project, params } = useProject()
  const client = useQueryClient()
  const navigate = useNavigate()
  const [draft, setDraft] = useState(initial)
  const [faults, setFaults] = useState<Faults>({})
  const [checked, setChecked] = useState<Validation | null>(null)
  const top = useRef<HTMLDivElement>(null)
  const kinds = ALLOWED[draft.kind]

  const change = (next: Draft) => {
    setDraft(next)
    setChecked(null)
  }
  /** The definition when the form itself has nothing to object to. */
  const prepared = () => {
    const { definition, faults: found } = toDefinition(draft)
    setFaults(found)
    return Object.keys(found).length === 0 ? definition : null
  }
  const take = (error: unknown) => {
    if (error instanceof ApiError && error.details.length > 0) {
      setFaults(Object.fromEntries(error.details.map((detail) => [detail.field, detail.message])))
    }
  }
  const validate = useMutation({
    mutationFn: async () => {
      const definition = prepared()
      return definition ? management.validate(project.id, definition) : null
    },
    onSuccess: (answer) => {
      setChecked(answer)
      if (answer) setFaults(Object.fromEntries(answer.errors.map((fault) => [fault.field, fault.message])))
    },
    onError: take,
  })
  const run = useMutation({
    mutationFn: async () => {
      const definition = prepared()
      return definition ? management.startRun(project.id, definition) : null
    },
    onSuccess: (started) => {
      if (!started) return
      void client.invalidateQueries({ queryKey: ['runs'] })
      void navigate({ to: '/$ns/$slug/-/runs/$runId', params: { ...params, runId: started.id } })
    },
    onError: take,
  })
  useEffect(() => {
    if (Object.keys(faults).length > 0) top.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [faults])
  const loose = general(faults, draft)
  return (
    <div ref={top}>
      <PageHead title={TITLES[draft.kind]} note={NOTES[draft.kind]} />
      <form onSubmit={(event) => { event.preventDefault(); run.mutate() }} noValidate>
        <Stack maw={860}>
          <TextInput label="Name" required value={draft.name} error={faults.name} onChange={(event) => change({ ...draft, name: event.currentTarget.value })} maw={480} />
          {draft.steps.length === 0 && <Empty title="No step yet">{STARTS[draft.kind]}</Empty>}
          {draft.steps.map((step, index) => (
            <StepEditor
              key={step.key}
              step={step}
              index={index}
              earlier={draft.steps.slice(0, index)}
              faults={faults}
              plan={checked?.plan.find((entry) => entry.step === step.name)}
              onChange={(next) => change({ ...draft, steps: draft.steps.map((old) => (old.key === next.key ? next : old)) })}
              onRename={(name) => change({ ...draft, steps: renameStep(draft.steps, step.key, name) })}
              onRemove={() => change({ ...draft, steps: removeStep(draft.steps, step.key) })}
            />
          ))}
          <Group>
            <ProcessorPicker
              kinds={kinds}
              preferred={kinds.at(-1) ?? 'operation'}
              label={draft.steps.length === 0 ? 'Choose a processor' : 'Add a step'}
              onChoose={(processor, version) => change({ ...draft, name: draft.name || processor.name, steps: addStep(draft.steps, processor, version, source) })}
            />
          </Group>
          {draft.kind === 'dataops' && (
            <TextInput label="Branch for the result" description="Empty: a new branch, named after the run" value={draft.targetBranch} error={faults['target.branch']} onChange={(event) => change({ ...draft, targetBranch: event.currentTarget.value })} maw={480} />
          )}
          {loose.length > 0 && <Alert color="red" role="alert" title="This cannot run yet"><ul className="plain-list">{loose.map((text) => <li key={text}>{text}</li>)}</ul></Alert>}
          {Object.keys(faults).length === 0 && <FormError error={run.error ?? validate.error} />}
          {checked?.valid && <Plan checked={checked} />}
          <Group>
            <Button type="submit" leftSection={<Play size={16} />} loading={run.isPending} disabled={draft.steps.length === 0}>Run</Button>
            <Button variant="default" leftSection={<ListChecks size={16} />} loading={validate.isPending} disabled={draft.steps.length === 0} onClick={() => validate.mutate()}>Check first</Button>
          </Group>
        </Stack>
      </form>
    </div>
  )
}

function Plan({ checked }: { checked: Validation }) {
  const cached = checked.plan.filter((entry) => entry.cached).length
  const most = checked.plan.reduce((sum, entry) => sum + (entry.price_forecast?.at_most ?? 0), 0)
  const currency = checked.plan.find((entry) => entry.price_forecast)?.price_forecast?.currency
  return (
    <Alert color={checked.warnings?.length ? 'yellow' : 'green'} title="Ready to run">
      {(checked.warnings ?? []).map((one) => <Text size="sm" key={one.field + one.message}>{one.message}</Text>)}
      <Text size="sm">{cached === 0 ? `${plural(checked.plan.length, 'step')} will run.` : `${plural(cached, 'step')} of ${checked.plan.length} from the cache, at no cost.`}{currency ? ` At most ${most.toFixed(2)} ${currency}, if every step ran until its time limit.` : ''}</Text>
    </Alert>
  )
}

/** Faults that belong to no field on the screen. */
function general(faults: Faults, draft: Draft): string[] {
  return Object.entries(faults)
    .filter(([field]) => {
      const step = /^steps\[(\d+)\]\.(name|processor|machine|inputs\.|parameters\.)/.exec(field)
      return !(field === 'name' || field === 'target.branch' || (step && Number(step[1]) < draft.steps.length))
    })
    .map(([, message]) => message)
}

const NOTES: Record<RunKind, string> = {
  dataops: 'Operations turn data into new data; the result is a dataset on its own branch.',
  experiment: 'Operations may prepare the data; an algorithm at the end learns from it.',
  visualization: 'The last step turns data into pictures.',
}
const STARTS: Record<RunKind, string> = {
  dataops: 'Choose an operation, such as an augmentation.',
  experiment: 'Choose the algorithm to train.',
  visualization: 'Choose the visualization to draw.',
}
