/** What maintainers do with a version: warn of it, take it away, bring it back under a new number. */
import { Button, Menu } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Archive, BadgeCheck, Ellipsis, RotateCcw, TriangleAlert, Undo2 } from 'lucide-react'
import { useState } from 'react'
import { projectQuery } from '@/api/queries/projects'
import { useSession } from '@/api/queries/session'
import type { Processor, ProcessorVersion } from '@/api/types'
import { accessLevel } from '@/components/project-context'
import { useVerify } from './verification'
import { DeprecateDialog, RepublishDialog, UndeprecateDialog, UnpublishDialog } from './version-dialogs'

type Action = 'deprecate' | 'undeprecate' | 'unpublish' | 'republish'
const DIALOGS = { deprecate: DeprecateDialog, undeprecate: UndeprecateDialog, unpublish: UnpublishDialog, republish: RepublishDialog }

export function MaintainerMenu({ processor, version }: { processor: Processor; version: ProcessorVersion }) {
  const session = useSession()
  const project = useQuery({ ...projectQuery(processor.project_id), enabled: Boolean(session.data), retry: false })
  const [action, setAction] = useState<Action | null>(null)
  const verify = useVerify(version)
  if (!project.data || accessLevel(project.data) < 40) return null
  const Dialog = action && DIALOGS[action]
  return (
    <>
      <Menu position="bottom-end" width={230}>
        <Menu.Target><Button variant="default" px={9} aria-label={`Manage version ${version.version}`}><Ellipsis size={18} /></Button></Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Version {version.version}</Menu.Label>
          {version.manifest?.reference && <Menu.Item leftSection={<BadgeCheck size={15} />} disabled={verify.isPending} onClick={() => verify.mutate()}>Verify now</Menu.Item>}
          {version.status === 'published' && <Menu.Item leftSection={<TriangleAlert size={15} />} onClick={() => setAction('deprecate')}>Deprecate…</Menu.Item>}
          {version.status === 'deprecated' && <Menu.Item leftSection={<Undo2 size={15} />} onClick={() => setAction('undeprecate')}>Take back deprecation…</Menu.Item>}
          {version.status !== 'unpublished' && <Menu.Item leftSection={<Archive size={15} />} color="red" onClick={() => setAction('unpublish')}>Unpublish…</Menu.Item>}
          <Menu.Item leftSection={<RotateCcw size={15} />} onClick={() => setAction('republish')}>Republish…</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {Dialog && <Dialog processor={processor} version={version} onClose={() => setAction(null)} />}
    </>
  )
}
