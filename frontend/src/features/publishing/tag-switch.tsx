/** Whether pushing a tag publishes. */
import { Switch } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import * as management from '@/api/management'
import { useProject } from '@/components/project-context'
import { messageOf } from '@/components/states'

export function TagSwitch() {
  const { project, level } = useProject()
  const client = useQueryClient()
  const queryKey = ['publish-on-tag', project.id]
  const query = useQuery({ queryKey, queryFn: () => management.getTagSettings(project.id), retry: false })
  const set = useMutation({
    mutationFn: (on: boolean) => management.setTagSettings(project.id, on),
    onSuccess: (settings) => client.setQueryData(queryKey, settings),
    onError: (error) => notifications.show({ color: 'red', message: messageOf(error) }),
  })
  if (!query.data) return null
  return (
    <Switch
      mb="md"
      label="Publish when a version tag is pushed"
      description="v1.2.0, or name/v1.2.0 where there are several processors: what processor.yaml at the tag describes"
      checked={query.data.publish_on_tag}
      disabled={level < 40 || set.isPending}
      onChange={(event) => set.mutate(event.currentTarget.checked)}
    />
  )
}
