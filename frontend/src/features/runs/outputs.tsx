/** The files a step wrote. */
import { SegmentedControl, Stack } from '@mantine/core'
import { useState } from 'react'
import type { Run, Step } from '@/api/types'
import { OutputFiles } from '@/components/output-files'

export function Outputs({ run, step }: { run: Run; step: Step }) {
  const [name, setName] = useState(step.outputs[0]?.name ?? '')
  const output = step.outputs.find((entry) => entry.name === name) ?? step.outputs[0]
  if (!output) return null
  return (
    <Stack>
      {step.outputs.length > 1 && <SegmentedControl aria-label="Output" value={output.name} onChange={setName} data={step.outputs.map((entry) => entry.name)} />}
      <OutputFiles key={output.name} run={run.id} step={step.name} output={output.name} files={output.files} bytes={output.bytes} />
    </Stack>
  )
}
