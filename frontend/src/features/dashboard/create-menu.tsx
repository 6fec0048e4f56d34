/** New project and new group. */
import { Button, Menu } from '@mantine/core'
import { ChevronDown, FolderPlus, Plus, Users } from 'lucide-react'
import { useState } from 'react'
import { NewGroupDialog } from './new-group-dialog'
import { NewProjectDialog } from './new-project-dialog'

export function CreateMenu() {
  const [open, setOpen] = useState<'project' | 'group' | null>(null)
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button leftSection={<Plus size={16} />} rightSection={<ChevronDown size={14} />}>New</Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<FolderPlus size={16} />} onClick={() => setOpen('project')}>Project</Menu.Item>
          <Menu.Item leftSection={<Users size={16} />} onClick={() => setOpen('group')}>Group</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {open === 'project' && <NewProjectDialog onClose={() => setOpen(null)} />}
      {open === 'group' && <NewGroupDialog onClose={() => setOpen(null)} />}
    </>
  )
}
