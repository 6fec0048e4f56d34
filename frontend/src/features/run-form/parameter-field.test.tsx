import { MantineProvider } from '@mantine/core'
import { cleanup, fireEvent, render, screen } from '@testing-library/react'
import { useState } from 'react'
import { afterEach, expect, test } from 'vitest'
import type { Parameter } from '@/api/types'
import { initialRaw, parseRaw, type Raw } from '@/lib/parameters'
import { parameter } from '@/testing/fakes'
import { ParameterField } from './parameter-field'

afterEach(cleanup)

function Field({ of }: { of: Parameter }) {
  const [raw, setRaw] = useState<Raw>(initialRaw(of))
  const parsed = parseRaw(of, raw)
  return (
    <MantineProvider env="test">
      <ParameterField parameter={of} value={raw} onChange={setRaw} error={parsed.ok ? undefined : parsed.error} />
      <output>{JSON.stringify(parsed.ok ? parsed.value : null)}</output>
    </MantineProvider>
  )
}

test('an integer field takes a negative number and objects to a fraction', () => {
  render(<Field of={parameter('shift', 'integer', { default: 1, help: 'How far' })} />)
  const input = screen.getByLabelText('shift')
  fireEvent.change(input, { target: { value: '-3' } })
  expect(screen.getByRole('status').textContent).toBe('-3')
  fireEvent.change(input, { target: { value: '0.5' } })
  expect(screen.getByText(/whole number/)).toBeTruthy()
  expect(screen.getByText(/How far/)).toBeTruthy()
})

test('a float field takes 1e-4', () => {
  render(<Field of={parameter('rate', 'float', { min: 0, max: 1 })} />)
  fireEvent.change(screen.getByLabelText('rate'), { target: { value: '1e-4' } })
  expect(screen.getByRole('status').textContent).toBe('0.0001')
  expect(screen.getByText(/0 to 1/)).toBeTruthy()
})

test('a boolean is a switch that begins with its default', () => {
  render(<Field of={parameter('fast', 'boolean', { default: true })} />)
  const field = screen.getByRole('switch')
  fireEvent.click(field)
  expect(screen.getByRole('status').textContent).toBe('false')
})
