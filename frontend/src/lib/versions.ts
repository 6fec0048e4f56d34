/** Version numbers and ranges as definitions write them: `1.2.0`, `^1.2`, `~1.2.3`, `1.x`, `>=1.0 <2.0`, `latest`. */

export type Triple = [number, number, number]

export function parseVersion(text: string): Triple | null {
  const match = /^(\d+)\.(\d+)\.(\d+)$/.exec(text.trim())
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : null
}

/** As https://semver.org orders them: a pre-release stands before what it leads to. */
export function compareVersions(left: string, right: string): number {
  const [a, before] = halves(left)
  const [b, after] = halves(right)
  if (!a || !b) return left.localeCompare(right)
  return order(a, b) || Number(before === '') - Number(after === '') || before.localeCompare(after, 'en', { numeric: true })
}

function halves(text: string): [Triple | null, string] {
  const dash = text.indexOf('-')
  return dash < 0 ? [parseVersion(text), ''] : [parseVersion(text.slice(0, dash)), text.slice(dash + 1)]
}

function order(a: Triple, b: Triple): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
}

type Bound = { at: Triple; includes: boolean }
type Span = { from: Bound; to: Bound | null }

/** Whether a version lies in a range; null when the range cannot be read. */
export function inRange(version: string, range: string): boolean | null {
  const number = parseVersion(version)
  if (!number) return null
  const text = range.trim()
  if (text === 'latest' || text === '*' || text === '') return true
  const parts = text.replace(/([<>=^~])\s+/g, '$1').split(/[\s,]+/)
  let all = true
  for (const part of parts) {
    const span = readPart(part)
    if (!span) return null
    all = all && within(number, span)
  }
  return all
}

function within(number: Triple, { from, to }: Span): boolean {
  const low = order(number, from.at)
  if (low < 0 || (low === 0 && !from.includes)) return false
  if (!to) return true
  const high = order(number, to.at)
  return high < 0 || (high === 0 && to.includes)
}

const ZERO: Triple = [0, 0, 0]

function readPart(part: string): Span | null {
  const match = /^(\^|~|>=|<=|>|<|=)?v?(\d+)(?:\.(\d+|x|\*))?(?:\.(\d+|x|\*))?$/.exec(part)
  if (!match) return null
  const sign = match[1] ?? ''
  const given = [match[2], match[3], match[4]].map((one) => (one === undefined || one === 'x' || one === '*' ? null : Number(one)))
  const depth = given.findIndex((one) => one === null)
  const known = depth === -1 ? 3 : depth
  const at: Triple = [given[0] ?? 0, given[1] ?? 0, given[2] ?? 0]
  const end = known === 3 ? null : raised(at, known - 1)
  if (sign === '>=') return { from: { at, includes: true }, to: null }
  if (sign === '>') return { from: { at: end ?? at, includes: end !== null }, to: null }
  if (sign === '<') return { from: { at: ZERO, includes: true }, to: { at, includes: false } }
  if (sign === '<=') return { from: { at: ZERO, includes: true }, to: { at: end ?? at, includes: end === null } }
  if (sign === '^') return span(at, raised(at, caretPlace(at, known)))
  if (sign === '~') return span(at, raised(at, Math.min(known - 1, 1)))
  return end ? span(at, end) : { from: { at, includes: true }, to: { at, includes: true } }
}

const span = (from: Triple, to: Triple): Span => ({ from: { at: from, includes: true }, to: { at: to, includes: false } })

/** The place a caret keeps: the first number that is not zero, as far as numbers are given. */
function caretPlace(at: Triple, known: number): number {
  const first = at.findIndex((one) => one > 0)
  return first === -1 ? known - 1 : Math.min(first, known - 1)
}

function raised(at: Triple, place: number): Triple {
  return at.map((one, index) => (index < place ? one : index === place ? one + 1 : 0)) as Triple
}

type Rated = { version: string; status: string }

/** The version that a range means now: the newest one in it that may still be chosen. */
export function resolveRange<T extends Rated>(versions: T[], range: string): T | null {
  const exact = versions.find((entry) => entry.version === range)
  if (exact) return exact
  const fitting = versions.filter((entry) => entry.status !== 'unpublished' && inRange(entry.version, range) === true)
  const sorted = fitting.toSorted((a, b) => compareVersions(b.version, a.version))
  return sorted.find((entry) => entry.status !== 'deprecated') ?? sorted[0] ?? null
}

/** Ranges worth offering: newest of all, newest of each major and of the newest minor, then each number itself. */
export function rangeChoices(versions: Rated[]): { value: string; label: string }[] {
  const open = versions.filter((entry) => entry.status !== 'unpublished').toSorted((a, b) => compareVersions(b.version, a.version))
  const single = open.map((entry) => ({ value: entry.version, label: entry.status === 'deprecated' ? `${entry.version} – deprecated` : entry.version }))
  const newest = open.find((entry) => parseVersion(entry.version) !== null)
  // Ranges never mean a pre-release: where there is nothing else, only numbers can be asked for.
  if (!newest) return single
  const describe = (range: string, words: string) => ({ value: range, label: `${range} – ${words}, now ${resolveRange(open, range)?.version ?? 'none'}` })
  const majors = [...new Set(open.map((entry) => parseVersion(entry.version)?.[0]).filter((one) => one !== undefined))]
  const first = parseVersion(newest.version)
  return [
    ...single,
    describe('latest', 'the newest'),
    ...majors.map((major) => (major === 0 ? describe('0.x', 'the newest 0') : describe(`^${major}`, `the newest ${major}`))),
    ...(first ? [describe(`~${first[0]}.${first[1]}`, 'fixes only')] : []),
  ]
}

export type Weight = 'breaking' | 'feature' | 'fix'

/** The next number after a version, by how much has changed. */
export function nextVersion(after: string, weight: Weight): string | null {
  const at = parseVersion(after)
  if (!at) return null
  const place = weight === 'breaking' ? (at[0] === 0 ? 1 : 0) : weight === 'feature' ? (at[0] === 0 ? 2 : 1) : 2
  return raised(at, place).join('.')
}
