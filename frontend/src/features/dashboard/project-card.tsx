/** A project in a list: what it is, who sees it, how alive it is. */
import { Group, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { Code2, Database, GitFork, Globe, Lock, Star, Users } from 'lucide-react'
import type { Project, Visibility } from '@/api/forge'
import { isCode, viewOf } from '@/components/project-context'
import { TimeAgo } from '@/components/small'
import { Chip } from '@/components/status-badge'

const ICONS: Record<Visibility, typeof Lock> = { private: Lock, internal: Users, public: Globe }

export function ProjectCard({ project }: { project: Project }) {
  const Visible = ICONS[project.visibility] ?? Lock
  const { params } = viewOf(project)
  return (
    <Link className="card" to="/$ns/$slug" params={params}>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Group gap={8} wrap="nowrap" miw={0}>
          {isCode(project) ? <Code2 size={18} aria-label="Code project" /> : <Database size={18} aria-label="Data project" />}
          <Text fw={650} truncate>{project.name}</Text>
        </Group>
        <Visible size={15} aria-label={project.visibility} />
      </Group>
      <Text size="xs" c="dimmed" truncate>{project.path_with_namespace}</Text>
      <Text size="sm" lineClamp={2} flex={1} c={project.description ? undefined : 'dimmed'}>{project.description || 'No description'}</Text>
      <Group gap={6}>{(project.topics ?? []).slice(0, 4).map((topic) => <Chip key={topic} tone="accent">{topic}</Chip>)}</Group>
      <Group gap="md" mt={4}>
        <Text size="xs" c="dimmed" className="nowrap"><Star size={12} aria-hidden /> {project.star_count}</Text>
        <Text size="xs" c="dimmed" className="nowrap"><GitFork size={12} aria-hidden /> {project.forks_count}</Text>
        <Text size="xs" c="dimmed" className="nowrap">updated <TimeAgo at={project.last_activity_at} /></Text>
      </Group>
    </Link>
  )
}
