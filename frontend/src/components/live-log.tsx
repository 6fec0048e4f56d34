/** A log that grows: read on from where it ended, followed unless one scrolls up. */
import { ActionIcon, Group, Switch, Text, TextInput, Tooltip } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { Download, Search } from 'lucide-react'
import { useEffect, useReducer, useRef, useState } from 'react'
import { readLog } from '@/api/management'
import { ApiError } from '@/api/http'
import { plural } from '@/lib/format'
import { LogLines } from '@/lib/log'

type Props = {
  /** The address of the log from a byte offset on. */
  source: (offset: number) => string
  done: boolean
  /** The server always answers with the whole log. */
  whole?: boolean
  /** Changes when there is news, so that it is fetched at once. */
  version?: number
}

const POLL_MS = 1500

export function LiveLog({ source, done, whole = false, version = 0 }: Props) {
  const { log, error } = useLog(source, done, whole, version)
  const [follow, setFollow] = useState(true)
  const [text, setText] = useState('')
  const frame = useRef<HTMLDivElement>(null)
  const lines = log.lines
  const wanted = text.toLowerCase()
  const shown = wanted ? lines.flatMap((line, index) => (plain(line).includes(wanted) ? [index] : [])) : null
  const count = shown?.length ?? lines.length
  const rows = useVirtualizer({ count, getScrollElement: () => frame.current, estimateSize: () => 20, overscan: 30 })
  useEffect(() => {
    if (follow && count > 0) rows.scrollToIndex(count - 1, { align: 'end' })
  }, [follow, count, rows])
  return (
    <section className="panel" aria-label="Log">
      <div className="panel-head">
        <Text size="sm" fw={600} className="grow">Log <Text span size="sm" c="dimmed">{plural(lines.length, 'line')}{wanted ? `, ${count} match` : ''}</Text></Text>
        <TextInput size="xs" w={190} placeholder="Find in the log" aria-label="Find in the log" leftSection={<Search size={13} />} value={text} onChange={(event) => setText(event.currentTarget.value)} />
        <Group gap="xs">
          <Switch size="sm" label="Follow" checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} />
          <Tooltip label="The whole log as text"><ActionIcon component="a" href={source(0)} target="_blank" rel="noreferrer" variant="subtle" color="gray" aria-label="Open the whole log"><Download size={16} /></ActionIcon></Tooltip>
        </Group>
      </div>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className="log" ref={frame} tabIndex={0} role="log" aria-label="Log lines" aria-live="off" onWheel={(event) => { if (event.deltaY < 0) setFollow(false) }}>
        {lines.length === 0 && <div style={{ padding: '12px 18px' }}>{error ?? (done ? 'The log is empty.' : 'Waiting for output…')}</div>}
        <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
          {rows.getVirtualItems().map((row) => {
            const index = shown ? (shown[row.index] as number) : row.index
            return (
              <div key={row.key} className="log-line" style={{ position: 'absolute', top: row.start, left: 0 }}>
                <span className="log-number">{index + 1}</span>
                {/* ansi_up escapes HTML; only its own colour spans are markup. */}
                <span dangerouslySetInnerHTML={{ __html: lines[index] ?? '' }} />
              </div>
            )
          })}
        </div>
      </div>
    </section>
  )
}

function plain(html: string): string {
  return html.replace(/<[^>]+>/g, '').toLowerCase()
}

function useLog(source: (offset: number) => string, done: boolean, whole: boolean, version: number) {
  const address = source(0)
  const [first] = useState(() => begin(address))
  const state = useRef(first)
  const [error, setError] = useState<string | null>(null)
  const [, redraw] = useReducer((count: number) => count + 1, 0)
  const sourceRef = useRef(source)
  sourceRef.current = source

  useEffect(() => {
    if (state.current.address !== address) {
      state.current = begin(address)
    }
    const current = state.current
    const stop = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const read = async () => {
      try {
        const bytes = await readLog(sourceRef.current(whole ? 0 : current.offset), stop.signal)
        if (stop.signal.aborted) return
        const fresh = whole ? bytes.subarray(current.offset) : bytes
        current.offset += fresh.byteLength
        current.log.push(current.decoder.decode(fresh, { stream: true }))
        setError(null)
        if (done) {
          current.log.finish()
          current.finished = true
        }
        redraw()
      } catch (failure) {
        if (stop.signal.aborted) return
        if (!(failure instanceof ApiError && (failure.status === 404 || failure.status === 416))) {
          setError(failure instanceof Error ? failure.message : String(failure))
        }
      }
      if (!done && !stop.signal.aborted) timer = setTimeout(() => void read(), POLL_MS)
    }
    if (!current.finished) void read()
    return () => {
      stop.abort()
      clearTimeout(timer)
    }
    // A new version means news: it is fetched at once.
    // oxlint-disable-next-line react/exhaustive-effect-dependencies
  }, [address, done, whole, version])

  return { log: state.current.log, error }
}

function begin(address: string) {
  return { log: new LogLines(), decoder: new TextDecoder(), offset: 0, address, finished: false }
}
