/** Name, visibility, star, fork and clone. */
import { ActionIcon, Button, Code, CopyButton, Group, Popover, Stack, Text, Title, Tooltip } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Check, Copy, Download, GitFork, Star } from 'lucide-react'
import { useState } from 'react'
import * as forge from '@/api/forge'
import { url } from '@/api/http'
import { projectsQuery } from '@/api/queries/projects'
import { useSession } from '@/api/queries/session'
import { useProject } from '@/components/project-context'
import { Chip } from '@/components/status-badge'
import { messageOf } from '@/components/states'
import { ForkDialog } from './fork-dialog'

export function ProjectHeader() {
  const { project, ns, slug } = useProject()
  const session = useSession()
  const [forking, setForking] = useState(false)
  return (
    <Group justify="space-between" mb="md" gap="sm">
      <div style={{ minWidth: 0 }}>
        <Group gap="xs">
          <Title order={1} size="h3"><Text span inherit c="dimmed" fw={400}>{ns} / </Text>{slug}</Title>
          <Chip>{project.visibility}</Chip>
          {(project.topics ?? []).map((topic) => <Chip key={topic} tone="accent">{topic}</Chip>)}
        </Group>
        {project.description && <Text size="sm" c="dimmed" mt={2}>{project.description}</Text>}
      </div>
      <Group gap="xs">
        <StarButton disabled={!session.data} />
        <Tooltip label="Make your own copy">
          <Button variant="default" size="compact-sm" leftSection={<GitFork size={15} />} disabled={!session.data} onClick={() => setForking(true)}>
            Fork {project.forks_count}
          </Button>
        </Tooltip>
        <CloneMenu />
      </Group>
      {forking && <ForkDialog onClose={() => setForking(false)} />}
    </Group>
  )
}

function StarButton({ disabled }: { disabled: boolean }) {
  const { project } = useProject()
  const client = useQueryClient()
  const starred = useQuery({ ...projectsQuery({ starred: true, per_page: 100, simple: true }), enabled: !disabled })
  const on = starred.data?.items.some((entry) => entry.id === project.id) ?? false
  const star = useMutation({
    mutationFn: () => forge.starProject(project.id, !on),
    onError: (error) => notifications.show({ color: 'red', message: messageOf(error) }),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ['project'] })
      void client.invalidateQueries({ queryKey: ['projects'] })
    },
  })
  return (
    <Button variant="default" size="compact-sm" aria-pressed={on} loading={star.isPending} disabled={disabled} onClick={() => star.mutate()} leftSection={<Star size={15} fill={on ? 'currentColor' : 'none'} />}>
      {on ? 'Starred' : 'Star'} {project.star_count}
    </Button>
  )
}

function CloneMenu() {
  const { project } = useProject()
  const address = project.http_url_to_repo
  const lines = [
    { label: 'Clone with HTTPS', text: address },
    { label: 'In a terminal', text: `git clone ${address}` },
  ]
  return (
    <Popover position="bottom-end" width={420} trapFocus withArrow>
      <Popover.Target>
        <Button size="compact-sm" leftSection={<Download size={15} />}>Clone</Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs">
          {lines.map(({ label, text }) => (
            <div key={label}>
              <Text size="xs" c="dimmed">{label}</Text>
              <Group gap={6} wrap="nowrap">
                <Code flex={1} className="cut">{text}</Code>
                <CopyButton value={text}>
                  {({ copied, copy }) => (
                    <ActionIcon variant="subtle" color="gray" onClick={copy} aria-label={`Copy: ${label}`}>{copied ? <Check size={15} /> : <Copy size={15} />}</ActionIcon>
                  )}
                </CopyButton>
              </Group>
            </div>
          ))}
          <Button component="a" href={url(`/api/v4/projects/${project.id}/repository/archive.zip`, { sha: project.default_branch })} variant="default" size="compact-sm" leftSection={<Download size={14} />}>Download as zip</Button>
          <Text size="xs" c="dimmed">Use your user name and an access token (account menu) as the password.</Text>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  )
}
