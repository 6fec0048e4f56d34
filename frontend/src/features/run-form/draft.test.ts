import { expect, test } from 'vitest'
import { parameter, processor, version } from '@/testing/fakes'
import { addStep, chooseVersion, faultAt, removeStep, renameStep, toDefinition, type Draft, type DraftStep } from './draft'

const parameters = [parameter('input_path', 'path', { role: 'input', required: true }), parameter('rotate', 'integer', { required: true }), parameter('out', 'path', { role: 'output' })]
const augment = processor('demo/image-augment/augment', 'operation', parameters)
const source = { branch: 'main', path: 'train' }
const chain = (count: number) =>
  Array.from({ length: count }).reduce<DraftStep[]>((steps) => addStep(steps, augment, version(parameters), source), [])
const draft = (steps: DraftStep[], more: Partial<Draft> = {}): Draft => ({ kind: 'dataops', name: 'a', steps, targetBranch: '', ...more })

test('the first step reads the project, every further one the step before', () => {
  const steps = chain(2)
  expect(steps.map((step) => step.inputs.input_path)).toEqual([source, { step: 'augment', output: 'out' }])
  expect(steps.map((step) => step.name)).toEqual(['augment', 'augment-2'])
})

test('nothing reads the output of an algorithm', () => {
  const train = processor('demo/classifier/train', 'algorithm', parameters)
  const first = addStep([], train, version(parameters), source)
  expect(addStep(first, augment, version(parameters), source)[1]?.inputs.input_path).toEqual(source)
})

test('a new name is followed by those that read the step', () => {
  const steps = renameStep(chain(2), chain(1)[0]?.key ?? '', 'x')
  const renamed = renameStep(steps, steps[0]?.key ?? '', 'turn')
  expect(renamed[1]?.inputs.input_path).toEqual({ step: 'turn', output: 'out' })
})

test('when a step goes, its readers read what it read', () => {
  const steps = chain(3)
  const left = removeStep(steps, steps[1]?.key ?? '')
  expect(left[1]?.inputs.input_path).toEqual({ step: 'augment', output: 'out' })
  expect(removeStep(left, left[0]?.key ?? '')[0]?.inputs.input_path).toEqual(source)
})

test('a definition names processor, inputs and typed values', () => {
  const [step] = chain(1)
  const made = toDefinition(draft([{ ...(step as DraftStep), raw: { rotate: '-10' } }], { targetBranch: 'turned' }))
  expect(made.faults).toEqual({})
  expect(made.definition).toEqual({
    version: 1, name: 'a', kind: 'dataops', target: { branch: 'turned', path: null },
    steps: [{ name: 'augment', processor: 'demo/image-augment/augment@1.0.0', inputs: { input_path: source }, parameters: { rotate: -10 } }],
  })
})

test('every fault is named as the server would name it', () => {
  const [step] = chain(1)
  const { faults } = toDefinition(draft([{ ...(step as DraftStep), name: 'A b', inputs: {}, raw: { rotate: '1.5' } }], { name: ' ' }))
  expect(Object.keys(faults).sort()).toEqual(['name', 'steps[0].inputs.input_path', 'steps[0].name', 'steps[0].parameters.rotate'])
})

test('a fault inside an input is shown at the input', () => {
  const faults = { 'steps[0].inputs.input_path.path': 'there is nothing' }
  expect(faultAt(faults, 'steps[0].inputs.input_path')).toBe('there is nothing')
  expect(faultAt(faults, 'steps[0].inputs.input')).toBeUndefined()
})

test('another version keeps what was typed into parameters that it has too, and takes its own defaults', () => {
  const older = { ...version([parameters[0], parameter('rotate', 'integer', { default: 5 }), parameter('loud', 'boolean')] as typeof parameters), version: '0.9.0' }
  const newer = { ...version([parameter('data', 'path', { role: 'input' }), parameter('rotate', 'integer', { default: 7 }), parameter('mode', 'string', { default: 'x' })]), version: '1.1.0' }
  const both = { ...augment, versions: [older, newer] }
  const step = { ...(addStep([], both, older, source)[0] as DraftStep), raw: { rotate: '9', loud: true } }
  const chosen = chooseVersion(step, '^1')
  expect([chosen.version.version, chosen.wanted]).toEqual(['1.1.0', '^1'])
  expect(chosen.raw).toEqual({ data: '', rotate: '9', mode: 'x' })
  expect(chosen.inputs).toEqual({ data: source })
  expect(toDefinition(draft([chosen])).definition.steps[0]?.processor).toBe('demo/image-augment/augment@^1')
  expect(chooseVersion({ ...step, raw: { rotate: '5', loud: false } }, '^1').raw.rotate).toBe('7')
  expect(chooseVersion(step, '^4')).toBe(step)
})
