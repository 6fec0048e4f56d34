/** What visualizations drew, as a gallery. */
import { Anchor, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { ChartSpline, Plus } from 'lucide-react'
import { useState } from 'react'
import * as management from '@/api/management'
import type { VisualizationItem } from '@/api/types'
import { Lightbox } from '@/components/image-grid'
import { LinkAnchor, LinkButton } from '@/components/links'
import { Pager } from '@/components/pager'
import { useProject } from '@/components/project-context'
import { PageHead, TimeAgo } from '@/components/small'
import { Empty, QueryView } from '@/components/states'
import { StatusBadge } from '@/components/status-badge'
import { baseName } from '@/lib/paths'
import { othersOf, picturesOf } from './api/drawings'

const PER_PAGE = 12

export function VisualizationsPage() {
  const { project, params, level } = useProject()
  const { page = 1 } = useSearch({ from: '/$ns/$slug/-/visualizations' })
  const navigate = useNavigate({ from: '/$ns/$slug/-/visualizations' })
  const query = useQuery({ queryKey: ['visualizations', project.id, page], queryFn: () => management.listVisualizations(project.id, { page, per_page: PER_PAGE }), refetchInterval: 5000 })
  const start = level >= 30 && <LinkButton to="/$ns/$slug/-/runs/new" params={params} search={{ kind: 'visualization' }} leftSection={<Plus size={16} />}>New visualization</LinkButton>
  return (
    <>
      <PageHead title="Visualizations">{start}</PageHead>
      <QueryView query={query} skeleton="cards" isEmpty={(found) => found.items.length === 0} empty={<Empty title="No visualizations yet" icon={<ChartSpline size={26} />} action={start}>Draw a t-SNE of a folder of images, for example.</Empty>}>
        {(found) => (
          <>
            <Stack gap="lg">{found.items.map((item) => <Gallery key={item.run_id} item={item} />)}</Stack>
            <Pager total={found.total} page={page} perPage={PER_PAGE} onChange={(next) => void navigate({ search: { page: next } })} />
          </>
        )}
      </QueryView>
    </>
  )
}

function Gallery({ item }: { item: VisualizationItem }) {
  const { params } = useProject()
  const [open, setOpen] = useState<number | null>(null)
  const pictures = picturesOf(item)
  const others = othersOf(item)
  return (
    <section className="panel" aria-label={item.name}>
      <div className="panel-head">
        <LinkAnchor to="/$ns/$slug/-/runs/$runId" params={{ ...params, runId: item.run_id }} fw={600}>{item.name}</LinkAnchor>
        <Text size="sm" c="dimmed">#{item.number}</Text>
        <StatusBadge status={item.status} />
        <Text size="sm" c="dimmed" className="grow cut">{item.inputs.map((input) => `/${input.path}${input.branch ? ` on ${input.branch}` : ''}`).join(', ')}</Text>
        <Text size="sm" c="dimmed"><TimeAgo at={item.finished_at ?? item.created_at} /></Text>
      </div>
      {pictures.length + others.length === 0 && (
        <Text size="sm" c="dimmed" p="md">{item.reason ?? (item.status === 'success' ? 'No picture was written; see the outputs of the run.' : 'No pictures yet.')}</Text>
      )}
      {pictures.length > 0 && (
        <Group p="md" gap="md">
          {pictures.map((picture, index) => (
            <button key={picture.path} type="button" className="thumb" style={{ width: 260 }} onClick={() => setOpen(index)}>
              <img src={picture.source} alt="" loading="lazy" style={{ aspectRatio: '4 / 3' }} />
              <span className="cut">{baseName(picture.path)}</span>
            </button>
          ))}
        </Group>
      )}
      {others.length > 0 && (
        <Group px="md" pb="md" pt={pictures.length > 0 ? 0 : 'md'} gap="sm">
          {others.map((file) => <Anchor key={file.path} href={file.source} download size="sm">{file.path}</Anchor>)}
        </Group>
      )}
      {open !== null && <Lightbox pictures={pictures} at={open} onMove={setOpen} onClose={() => setOpen(null)} />}
    </section>
  )
}
