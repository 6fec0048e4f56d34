/** Many pictures: a virtual grid that loads only what is in view, and a large view with arrow keys. */
import { ActionIcon, Group, Modal, Text } from '@mantine/core'
import { useElementSize, useHotkeys } from '@mantine/hooks'
import { useVirtualizer } from '@tanstack/react-virtual'
import { ChevronLeft, ChevronRight } from 'lucide-react'
import { useRef, useState } from 'react'
import { baseName } from '@/lib/paths'

export type Picture = { path: string; source: string; note?: string }
const CELL = 140
const ROW = 172

export function ImageGrid({ pictures, height = '68vh' }: { pictures: Picture[]; height?: string }) {
  const [open, setOpen] = useState<number | null>(null)
  const frame = useRef<HTMLDivElement>(null)
  const { ref: measure, width } = useElementSize()
  const columns = Math.max(1, Math.floor((width || 800) / (CELL + 10)))
  const rows = useVirtualizer({
    count: Math.ceil(pictures.length / columns),
    getScrollElement: () => frame.current,
    estimateSize: () => ROW + 10,
    overscan: 3,
  })
  return (
    <>
      <div ref={frame} style={{ maxHeight: height, overflowY: 'auto', padding: 14 }}>
        <div ref={measure} style={{ height: rows.getTotalSize(), position: 'relative' }}>
          {rows.getVirtualItems().map((row) => (
            <div key={row.key} style={{ position: 'absolute', top: row.start, left: 0, right: 0, height: ROW, display: 'grid', gap: 10, gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}>
              {pictures.slice(row.index * columns, (row.index + 1) * columns).map((picture, offset) => (
                <button key={picture.path} type="button" className="thumb" onClick={() => setOpen(row.index * columns + offset)}>
                  <img src={picture.source} alt="" loading="lazy" decoding="async" style={{ height: ROW - 30, aspectRatio: 'auto' }} />
                  <span className="cut">{baseName(picture.path)}</span>
                </button>
              ))}
            </div>
          ))}
        </div>
      </div>
      {open !== null && pictures[open] && <Lightbox pictures={pictures} at={open} onMove={setOpen} onClose={() => setOpen(null)} />}
    </>
  )
}

type LightboxProps = { pictures: Picture[]; at: number; onMove: (at: number) => void; onClose: () => void }

export function Lightbox({ pictures, at, onMove, onClose }: LightboxProps) {
  const picture = pictures[at] as Picture
  const back = () => onMove(Math.max(0, at - 1))
  const forth = () => onMove(Math.min(pictures.length - 1, at + 1))
  useHotkeys([['ArrowLeft', back], ['ArrowRight', forth]])
  return (
    <Modal opened onClose={onClose} size="xl" centered title={<Text size="sm" className="cut">{picture.path}</Text>} closeButtonProps={{ 'aria-label': 'Close' }}>
      <div className="checker"><img className="picture" src={picture.source} alt={picture.path} /></div>
      <Group justify="space-between" mt="sm">
        <ActionIcon variant="default" onClick={back} disabled={at === 0} aria-label="Previous picture"><ChevronLeft size={18} /></ActionIcon>
        <Text size="sm" c="dimmed">{at + 1} of {pictures.length}{picture.note ? ` · ${picture.note}` : ''}</Text>
        <ActionIcon variant="default" onClick={forth} disabled={at === pictures.length - 1} aria-label="Next picture"><ChevronRight size={18} /></ActionIcon>
      </Group>
    </Modal>
  )
}
