/** A state as colour, icon and word, so that none of the three is needed alone. */
import { Ban, CheckCircle2, Circle, CircleDashed, CircleX, Loader, SkipForward, Zap } from 'lucide-react'

const STATES: Record<string, { tone: string; icon: typeof Circle; label: string }> = {
  created: { tone: 'idle', icon: CircleDashed, label: 'created' },
  pending: { tone: 'idle', icon: CircleDashed, label: 'pending' },
  waiting: { tone: 'idle', icon: CircleDashed, label: 'waiting' },
  queued: { tone: 'wait', icon: Circle, label: 'queued' },
  running: { tone: 'run', icon: Loader, label: 'running' },
  finishing: { tone: 'run', icon: Loader, label: 'finishing' },
  success: { tone: 'good', icon: CheckCircle2, label: 'success' },
  succeeded: { tone: 'good', icon: CheckCircle2, label: 'succeeded' },
  passed: { tone: 'good', icon: CheckCircle2, label: 'passed' },
  cached: { tone: 'good', icon: Zap, label: 'cached' },
  failed: { tone: 'bad', icon: CircleX, label: 'failed' },
  canceled: { tone: 'idle', icon: Ban, label: 'canceled' },
  skipped: { tone: 'idle', icon: SkipForward, label: 'skipped' },
}

export function StatusBadge({ status }: { status: string }) {
  const state = STATES[status] ?? { tone: 'idle', icon: Circle, label: status }
  const Icon = state.icon
  return (
    <span className="status" data-tone={state.tone}>
      <Icon size={14} aria-hidden className={state.tone === 'run' ? 'spin' : undefined} />
      {state.label}
    </span>
  )
}

export function Chip({ children, tone = 'idle' }: { children: React.ReactNode; tone?: string }) {
  return <span className="status" data-tone={tone}>{children}</span>
}
