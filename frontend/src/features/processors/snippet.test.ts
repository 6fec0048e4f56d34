import { expect, test } from 'vitest'
import { parameter, processor, version } from '@/testing/fakes'
import { imageCommands, splitPin } from './image'
import { pipelineOf } from './snippet'

test('a pipeline names inputs, defaults and what is required', () => {
  const parameters = [parameter('data', 'path', { role: 'input' }), parameter('rate', 'float', { default: 0.1 }), parameter('mode', 'string', { required: true }), parameter('maybe', 'string')]
  expect(pipelineOf(processor('g/p/learn', 'algorithm'), version(parameters))).toBe(
    'version: 1\nname: learn\nkind: experiment\nsteps:\n  - name: learn\n    processor: g/p/learn@^1.0\n    inputs:\n      data: {branch: main, path: data}\n    parameters:\n      rate: 0.1\n      mode: # required\n',
  )
})

test('a version that is deprecated or a pre-release is named exactly', () => {
  expect(pipelineOf(processor('g/p/a', 'operation'), { ...version([]), status: 'deprecated' })).toContain('processor: g/p/a@1.0.0\n    inputs:\n      input:')
  expect(pipelineOf(processor('g/p/a', 'operation'), { ...version([]), version: '2.0.0-rc.1' })).toContain('@2.0.0-rc.1\n')
})

test('commands speak http only where the server does', () => {
  const plain = imageCommands(version([]), { protocol: 'http:', origin: 'http://host' })
  const safe = imageCommands(version([]), { protocol: 'https:', origin: 'https://host' })
  expect(plain.look[0]?.command).toBe('podman pull --tls-verify=false host/a@sha256:0')
  expect(safe.look[0]?.command).toBe('podman pull host/a@sha256:0')
  expect([...safe.look, ...safe.vouch].some((one) => /http\b(?!s)/.test(one.command.replace('https', '')))).toBe(false)
})

test('a pin has a name and a number', () => {
  expect(splitPin('numpy==2.1.0')).toEqual({ name: 'numpy', number: '2.1.0' })
  expect(splitPin('libc6 2.36')).toEqual({ name: 'libc6 2.36', number: '' })
})
