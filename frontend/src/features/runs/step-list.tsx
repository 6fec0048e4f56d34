/** The steps of a run with their states. */
import { Text } from '@mantine/core'
import type { Step } from '@/api/types'
import { StatusBadge } from '@/components/status-badge'
import { formatDuration } from '@/lib/format'

type Props = { steps: Step[]; current: string | undefined; onChoose: (name: string) => void }

export function StepList({ steps, current, onChoose }: Props) {
  return (
    <nav className="step-list" aria-label="Steps">
      {steps.map((step) => (
        <button key={step.id} type="button" className="step-item" aria-current={step.name === current} onClick={() => onChoose(step.name)}>
          <span className="grow">
            <Text span fw={600} size="sm" className="cut" display="block">{step.name}</Text>
            <Text span size="xs" c="dimmed" display="block">
              {[step.processor.version, step.duration_s === null ? null : formatDuration(step.duration_s), step.needs.length > 0 ? `after ${step.needs.join(', ')}` : null].filter(Boolean).join(' · ')}
            </Text>
          </span>
          <StatusBadge status={step.cached ? 'cached' : step.status} />
        </button>
      ))}
    </nav>
  )
}
