/** Branch picker and breadcrumb. */
import { Breadcrumbs, Group, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { BranchPicker } from '@/components/branch-picker'
import { LinkAnchor } from '@/components/links'
import { useProject } from '@/components/project-context'
import { crumbs } from '@/lib/paths'

export function PathBar({ refName, path, file = false }: { refName: string; path: string; file?: boolean }) {
  const { project, params } = useProject()
  const navigate = useNavigate()
  const parts = crumbs(path)
  const to = file ? '/$ns/$slug/-/blob/$ref/$' : '/$ns/$slug/-/tree/$ref/$'
  return (
    <Group gap="sm">
      <BranchPicker project={project.id} value={refName} onChange={(ref) => void navigate({ to, params: { ...params, ref, _splat: path } })} />
      <Breadcrumbs separatorMargin={6} component="nav" aria-label="Path">
        <LinkAnchor to="/$ns/$slug/-/tree/$ref/$" params={{ ...params, ref: refName, _splat: '' }} fw={600}>{project.path}</LinkAnchor>
        {parts.map((part, index) =>
          index === parts.length - 1
            ? <Text key={part.path} aria-current="page">{part.name}</Text>
            : <LinkAnchor key={part.path} to="/$ns/$slug/-/tree/$ref/$" params={{ ...params, ref: refName, _splat: part.path }}>{part.name}</LinkAnchor>,
        )}
      </Breadcrumbs>
    </Group>
  )
}
