/** A command for the terminal, copied with a click. */
import { Copyable } from './small'

export function Command({ children, label }: { children: string; label: string }) {
  return (
    <div className="command">
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0} aria-label={label}><span aria-hidden>$ </span>{children}</pre>
      <Copyable value={children} label={`Copy: ${label}`} />
    </div>
  )
}
