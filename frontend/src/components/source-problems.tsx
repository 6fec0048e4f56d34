/** What is wrong in a source file: where, what, and what to write instead. */
import { Alert } from '@mantine/core'
import type { SourceProblem } from '@/api/types'
import { plural } from '@/lib/format'

export function SourceProblems({ problems, tone }: { problems: SourceProblem[]; tone: 'error' | 'warning' }) {
  if (problems.length === 0) return null
  return (
    <Alert color={tone === 'error' ? 'red' : 'yellow'} role={tone === 'error' ? 'alert' : undefined} title={plural(problems.length, tone)}>
      <ul className="plain-list">
        {problems.map((problem, index) => (
          <li key={index}>
            <code>{problem.file}:{problem.line}:{problem.column}</code> {problem.message}
            {problem.remedy && <div><strong>Instead:</strong> {problem.remedy}</div>}
          </li>
        ))}
      </ul>
    </Alert>
  )
}
