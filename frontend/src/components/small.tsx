/** Small pieces of text and buttons that every page uses. */
import { ActionIcon, CopyButton, Group, Text, Title, Tooltip } from '@mantine/core'
import { Check, Copy } from 'lucide-react'
import type { ReactNode } from 'react'
import { formatMoment, formatRelative } from '@/lib/format'

export function TimeAgo({ at }: { at: string | null | undefined }) {
  if (!at) return <>–</>
  return (
    <Tooltip label={formatMoment(at)}>
      <time dateTime={at}>{formatRelative(at)}</time>
    </Tooltip>
  )
}

export function Copyable({ value, label = 'Copy' }: { value: string; label?: string }) {
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : label}>
          <ActionIcon variant="subtle" color="gray" size="sm" onClick={copy} aria-label={label}>
            {copied ? <Check size={14} /> : <Copy size={14} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  )
}

/** A commit, digest or id: short, whole on hover, copied with a click. */
export function Id({ value, length = 8 }: { value: string | null | undefined; length?: number }) {
  if (!value) return <>–</>
  const short = value.startsWith('sha256:') ? value.slice(7, 7 + Math.max(length, 12)) : value.slice(0, length)
  return (
    <span className="nowrap">
      <Tooltip label={value}><code className="id">{short}</code></Tooltip>
      <Copyable value={value} label="Copy the whole value" />
    </span>
  )
}

export function PageHead({ title, children, note }: { title: ReactNode; children?: ReactNode; note?: ReactNode }) {
  return (
    <Group justify="space-between" align="flex-start" mb="md" gap="sm">
      <div>
        <Title order={1} size="h3">{title}</Title>
        {note && <Text size="sm" c="dimmed" component="div" className="note">{note}</Text>}
      </div>
      <Group gap="xs">{children}</Group>
    </Group>
  )
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
