/** What was found in a program and its processor.yaml, with links to the lines. */
import { Alert, Text } from '@mantine/core'
import { FileCog } from 'lucide-react'
import type { Inspection } from '@/api/types'
import { ParameterTable } from '@/components/parameter-table'
import { useProject } from '@/components/project-context'
import { Fact } from '@/components/small'
import { SourceProblems } from '@/components/source-problems'
import { formatCommand, plural } from '@/lib/format'
import { described, overrides } from './draft'

export function Findings({ found }: { found: Inspection }) {
  const { project } = useProject()
  const source = { project: project.path_with_namespace, commit: found.commit }
  const requirements = Array.isArray(found.requirements) ? plural(found.requirements.length, 'requirement') : found.requirements
  if (undecided(found)) return <Subcommands found={found} />
  return (
    <>
      <SourceProblems problems={found.errors} tone="error" source={source} />
      <SourceProblems problems={found.warnings} tone="warning" source={source} />
      {found.manifest && Object.keys(found.manifest).length > 0 && <Description found={found} />}
      {found.errors.length === 0 && (
        <section className="panel" aria-label="Parameters found">
          <div className="panel-head">
            <Text size="sm" fw={600} className="grow">{plural(found.parameters.length, 'parameter')} found in {found.entry}</Text>
            <Text size="sm" c="dimmed">{[found.framework, requirements ? `packages from ${requirements}` : 'no requirements file'].filter(Boolean).join(' · ')}</Text>
          </div>
          <div style={{ maxHeight: 340, overflowY: 'auto' }}><ParameterTable parameters={found.parameters} source={source} overridden={overrides(found.manifest)} /></div>
        </section>
      )}
    </>
  )
}

/** Several programs in one: which is meant is asked for, that is no fault yet. */
function undecided(found: Inspection): boolean {
  return (found.subcommands ?? []).length > 1 && !found.subcommand
}

function Subcommands({ found }: { found: Inspection }) {
  return (
    <Alert color="blue" title="Which subcommand?">
      <Text size="sm">{found.entry} holds several programs, and a processor is one of them. Choose it above.</Text>
      <ul className="plain-list">{found.subcommands?.map((one) => <li key={one.name}><code>{one.name}</code> {one.help}</li>)}</ul>
    </Alert>
  )
}

function Description({ found }: { found: Inspection }) {
  const rows = described(found.manifest ?? {})
  const changed = Object.keys(overrides(found.manifest)).length
  return (
    <details className="panel" open={found.errors.length === 0 && rows.length <= 8}>
      <summary className="panel-head"><FileCog size={16} aria-hidden /><Text span size="sm" fw={600}>processor.yaml</Text>
        <Text span size="sm" c="dimmed">says {plural(rows.length, 'thing')}{changed > 0 ? `, and more about ${plural(changed, 'parameter')}` : ''}; what you change below wins</Text>
      </summary>
      <dl className="facts panel-body">
        {rows.map((row) => <Fact key={row.title} name={row.title}><span className="wrap-anywhere">{row.title === 'Command' ? formatCommand(found.manifest?.command ?? []) : row.text}</span></Fact>)}
      </dl>
    </details>
  )
}
