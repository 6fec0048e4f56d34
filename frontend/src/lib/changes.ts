/** What is different between the parameters of two versions, and whether earlier callers would break. */
import type { Parameter } from '@/api/types'
import { formatValue } from './format'
import type { Weight } from './versions'

export type Change = { name: string; field: string; before: unknown; after: unknown; breaking: boolean }
export type Difference = { added: Parameter[]; removed: Parameter[]; changed: Change[]; breaking: string[] }

const FIELDS = ['type', 'flag', 'required', 'default', 'choices', 'min', 'max', 'multiple', 'nargs', 'unit', 'role', 'help', 'negated_flag'] as const

export function compareParameters(before: Parameter[], after: Parameter[]): Difference {
  const old = new Map(before.map((one) => [one.name, one]))
  const now = new Map(after.map((one) => [one.name, one]))
  const added = after.filter((one) => !old.has(one.name))
  const removed = before.filter((one) => !now.has(one.name))
  const changed = before.flatMap((one) => {
    const next = now.get(one.name)
    return next ? fieldChanges(one, next) : []
  })
  return { added, removed, changed, breaking: reasons(added, removed, changed) }
}

function fieldChanges(before: Parameter, after: Parameter): Change[] {
  return FIELDS.filter((field) => JSON.stringify(before[field] ?? null) !== JSON.stringify(after[field] ?? null)).map((field) => ({
    name: before.name, field, before: before[field], after: after[field], breaking: breaks(field, before, after),
  }))
}

const WIDER = ['integer float', 'choice string']

/** Values that were accepted before must be accepted still: the server's rules, held equal by parameter-changes.json. */
function breaks(field: (typeof FIELDS)[number], before: Parameter, after: Parameter): boolean {
  if (field === 'type') return !WIDER.includes(`${before.type} ${after.type}`)
  if (field === 'required') return after.required
  if (field === 'choices') return after.choices !== null && (before.choices ?? [null]).some((choice) => !after.choices?.includes(choice))
  if (field === 'min') return after.min !== null && (before.min === null || after.min > before.min)
  if (field === 'max') return after.max !== null && (before.max === null || after.max < before.max)
  if (field === 'multiple') return !after.multiple
  return field === 'role' || field === 'nargs' || field === 'unit'
}

function reasons(added: Parameter[], removed: Parameter[], changed: Change[]): string[] {
  return [
    ...removed.map((one) => `${one.name} is gone`),
    ...added.filter((one) => one.required && one.role !== 'output').map((one) => `${one.name} is new and required`),
    ...changed.filter((one) => one.breaking).map((one) => `${one.name}: ${one.field} ${formatValue(one.before)} → ${formatValue(one.after)}`),
  ]
}

export function weightOf(found: Difference): Weight {
  if (found.breaking.length > 0) return 'breaking'
  return found.added.length > 0 || found.changed.some((one) => one.field !== 'help') ? 'feature' : 'fix'
}
