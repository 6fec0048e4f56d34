/** What visualizations drew, as a gallery. */
import { Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { ChartSpline, Plus } from 'lucide-react'
import { useState } from 'react'
import * as management from '@/api/management'
import { Lightbox } from '@/components/image-grid'
import { LinkAnchor, LinkButton } from '@/components/links'
import { Pager } from '@/components/pager'
import { useProject } from '@/components/project-context'
import { PageHead, TimeAgo } from '@/components/small'
import { Empty, QueryView } from '@/components/states'
import { StatusBadge } from '@/components/status-badge'
import { baseName } from '@/lib/paths'
import { toDrawing, type Drawing } from './api/drawings'

const PER_PAGE = 12

export function VisualizationsPage() {
  const { project, params, level } = useProject()
  const { page = 1 } = useSearch({ from: '/$ns/$slug/-/visualizations' })
  const navigate = useNavigate({ from: '/$ns/$slug/-/visualizations' })
  const query = useQuery({ queryKey: ['visualizations', project.id, page], queryFn: () => management.listVisualizations(project.id, { page, per_page: PER_PAGE }) })
  const start = level >= 30 && <LinkButton to="/$ns/$slug/-/runs/new" params={params} search={{ kind: 'visualization' }} leftSection={<Plus size={16} />}>New visualization</LinkButton>
  return (
    <>
      <PageHead title="Visualizations">{start}</PageHead>
      <QueryView query={query} skeleton="cards" isEmpty={(found) => found.items.length === 0} empty={<Empty title="No visualizations yet" icon={<ChartSpline size={26} />} action={start}>Draw a t-SNE of a folder of images, for example.</Empty>}>
        {(found) => (
          <>
            <Stack gap="lg">{found.items.map(toDrawing).map((drawing) => <Gallery key={drawing.runId} drawing={drawing} />)}</Stack>
            <Pager total={found.total} page={page} perPage={PER_PAGE} onChange={(next) => void navigate({ search: { page: next } })} />
          </>
        )}
      </QueryView>
    </>
  )
}

function Gallery({ drawing }: { drawing: Drawing }) {
  const { params } = useProject()
  const [open, setOpen] = useState<number | null>(null)
  return (
    <section className="panel" aria-label={drawing.name}>
      <div className="panel-head">
        <LinkAnchor to="/$ns/$slug/-/runs/$runId" params={{ ...params, runId: drawing.runId }} fw={600}>{drawing.name}</LinkAnchor>
        {drawing.number !== null && <Text size="sm" c="dimmed">#{drawing.number}</Text>}
        <StatusBadge status={drawing.status} />
        <span className="grow" />
        <Text size="sm" c="dimmed"><TimeAgo at={drawing.at} /></Text>
      </div>
      {drawing.pictures.length === 0
        ? <Text size="sm" c="dimmed" p="md">{drawing.status === 'success' ? 'No picture was written; see the outputs of the run.' : 'No pictures yet.'}</Text>
        : (
          <Group p="md" gap="md">
            {drawing.pictures.map((picture, index) => (
              <button key={picture.path} type="button" className="thumb" style={{ width: 260 }} onClick={() => setOpen(index)}>
                <img src={picture.source} alt={baseName(picture.path)} loading="lazy" style={{ aspectRatio: '4 / 3' }} />
                <span className="cut">{baseName(picture.path)}</span>
              </button>
            ))}
          </Group>
        )}
      {open !== null && <Lightbox pictures={drawing.pictures} at={open} onMove={setOpen} onClose={() => setOpen(null)} />}
    </section>
  )
}
