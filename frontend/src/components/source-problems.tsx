/** What is wrong in a source file: where, what, and what to write instead. */
import { Alert } from '@mantine/core'
import type { SourceProblem } from '@/api/types'
import { plural } from '@/lib/format'
import { SourceLink, type Source } from './source-link'

export function SourceProblems({ problems, tone, source }: { problems: SourceProblem[]; tone: 'error' | 'warning'; source?: Source }) {
  if (problems.length === 0) return null
  return (
    <Alert color={tone === 'error' ? 'red' : 'yellow'} role={tone === 'error' ? 'alert' : undefined} title={plural(problems.length, tone)}>
      <ul className="plain-list">
        {problems.map((problem, index) => (
          <li key={index}>
            <Place problem={problem} source={source} /> {problem.message}
            {problem.remedy && <div><strong>Instead:</strong> {problem.remedy}</div>}
          </li>
        ))}
      </ul>
    </Alert>
  )
}

function Place({ problem, source }: { problem: SourceProblem; source?: Source }) {
  const place = <code>{problem.file}:{problem.line}:{problem.column}</code>
  return source ? <SourceLink source={source} file={problem.file} line={problem.line} blank>{place}</SourceLink> : place
}
