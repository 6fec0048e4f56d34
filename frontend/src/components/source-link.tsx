/** A line of a file at a commit. */
import { splitProjectPath } from '@/lib/paths'
import { LinkAnchor } from './links'

export type Source = { project: string; commit: string }

export function SourceLink({ source, file, line, children, blank = false }: { source: Source; file: string; line?: number; children: React.ReactNode; blank?: boolean }) {
  return (
    <LinkAnchor
      to="/$ns/$slug/-/blob/$ref/$"
      params={{ ...splitProjectPath(source.project), ref: source.commit, _splat: file }}
      hash={line ? `L${line}` : undefined}
      target={blank ? '_blank' : undefined}
      className="nowrap"
    >
      {children}
    </LinkAnchor>
  )
}
