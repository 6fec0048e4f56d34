/** What the event stream of a run says, folded into what the page shows. */
import type { Run, RunStatus, Step, StepStatus } from '@/api/types'
import { append, type Curves, type Point } from './metrics'

export type Live = { run: Run | null; curves: Record<string, Curves>; logVersion: Record<string, number> }
export type RunEvent = { type: string; data: unknown }

export const initialLive: Live = { run: null, curves: {}, logVersion: {} }

export function reduce(state: Live, event: RunEvent): Live {
  const data = event.data
  if (typeof data !== 'object' || data === null) return state
  if (event.type === 'run') return applyRun(state, data as Partial<Run>)
  if (event.type === 'step') return applyStep(state, data as Partial<Step>)
  if (event.type === 'metric') return applyMetrics(state, data as MetricData)
  if (event.type === 'log') return touchLog(state, data as { step?: string })
  return state
}

function applyRun(state: Live, change: Partial<Run>): Live {
  if (!state.run) return Array.isArray(change.steps) ? { ...state, run: change as Run } : state
  // A terminal state is final: a late or repeated event never reopens a run.
  if (isOver(state.run.status) && change.status && !isOver(change.status)) return state
  return { ...state, run: { ...state.run, ...change, steps: change.steps ?? state.run.steps } }
}

function applyStep(state: Live, change: Partial<Step>): Live {
  if (!state.run) return state
  const matches = (step: Step) => (change.id ? step.id === change.id : step.name === change.name)
  const steps = state.run.steps.map((step) => {
    if (!matches(step)) return step
    if (isStepOver(step.status) && change.status && !isStepOver(change.status)) return step
    return { ...step, ...change }
  })
  return { ...state, run: { ...state.run, steps } }
}

type MetricData = { step?: string; points?: Point[] }

function applyMetrics(state: Live, data: MetricData): Live {
  const { step: owner, points } = data
  if (!owner || !Array.isArray(points) || points.length === 0) return state
  return { ...state, curves: { ...state.curves, [owner]: append(state.curves[owner] ?? {}, points) } }
}

function touchLog(state: Live, data: { step?: string }): Live {
  const name = data.step
  if (!name) return state
  return { ...state, logVersion: { ...state.logVersion, [name]: (state.logVersion[name] ?? 0) + 1 } }
}

export function isOver(status: RunStatus): boolean {
  return status === 'success' || status === 'failed' || status === 'canceled'
}

export function isStepOver(status: StepStatus): boolean {
  return ['success', 'failed', 'skipped', 'canceled', 'cached'].includes(status)
}

/** Why a step ended as it did, in words a person can act on. */
export function explainReason(step: Pick<Step, 'reason' | 'message' | 'exit_code'>): string {
  const texts: Record<string, string> = {
    exit_code: `The processor ended with exit code ${step.exit_code ?? '?'}. See the end of the log.`,
    memory_limit: 'The processor needed more memory than its machine class allows.',
    timeout: 'The step ran longer than its time limit.',
    no_output: 'The processor ended without writing any output.',
    input_unavailable: 'An input could not be fetched.',
    killed: 'The processor was stopped from outside.',
    canceled: 'The run was canceled.',
    upstream_failed: 'A step that this one needs has failed.',
    epf_error: 'The step could not be prepared or stored.',
  }
  const text = step.reason ? (texts[step.reason] ?? step.reason.replaceAll('_', ' ')) : ''
  return step.message && step.message !== text ? [text, step.message].filter(Boolean).join(' ') : text
}
