/** From a processor to a run with it: choose the data project. */
import { Button, Group, Modal, Select, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Play } from 'lucide-react'
import { useState } from 'react'
import { projectsQuery } from '@/api/queries/projects'
import { useSession } from '@/api/queries/session'
import type { Processor, RunKind } from '@/api/types'
import { isCode } from '@/components/project-context'
import { splitProjectPath } from '@/lib/paths'

const KINDS: Record<string, RunKind> = { operation: 'dataops', algorithm: 'experiment', visualization: 'visualization' }

export function UseDialog({ processor, version }: { processor: Processor; version: string }) {
  const session = useSession()
  const navigate = useNavigate()
  const [open, setOpen] = useState(false)
  const [path, setPath] = useState<string | null>(null)
  const projects = useQuery({ ...projectsQuery({ membership: true, min_access_level: 30, per_page: 100, order_by: 'last_activity_at' }), enabled: open })
  if (!session.data) return null
  return (
    <>
      <Button leftSection={<Play size={16} />} onClick={() => setOpen(true)}>Use</Button>
      <Modal opened={open} onClose={() => setOpen(false)} title={`Use ${processor.title || processor.name}`} closeButtonProps={{ 'aria-label': 'Close' }}>
        <Stack>
          <Select label="Run it on the data of" placeholder="Choose a project" searchable data-autofocus value={path} onChange={setPath} data={projects.data?.items.filter((project) => !isCode(project)).map((project) => project.path_with_namespace) ?? []} nothingFoundMessage="No data project found" />
          <Group justify="flex-end">
            <Button
              disabled={!path}
              onClick={() => void navigate({ to: '/$ns/$slug/-/runs/new', params: splitProjectPath(path ?? ''), search: { kind: KINDS[processor.kind], processor: `${processor.slug}@${version}` } })}
            >
              Continue
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  )
}
