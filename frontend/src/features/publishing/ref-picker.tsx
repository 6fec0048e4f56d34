/** A branch or a tag to publish from. */
import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { GitBranch } from 'lucide-react'
import { listTags } from '@/api/forge'
import { branchesQuery } from '@/api/queries/projects'

type Props = { project: number; value: string; onChange: (ref: string) => void }

export function RefPicker({ project, value, onChange }: Props) {
  const branches = useQuery(branchesQuery(project))
  const tags = useQuery({ queryKey: ['tags', project], queryFn: () => listTags(project), staleTime: 10_000 })
  const names = branches.data?.items.map((one) => one.name) ?? []
  // A select takes each value once: a tag that is called like a branch is shadowed by it.
  const tagNames = (tags.data?.items.map((one) => one.name) ?? []).filter((name) => !names.includes(name))
  const known = names.includes(value) || tagNames.includes(value)
  return (
    <Select
      label="Branch or tag"
      leftSection={<GitBranch size={16} />}
      data={[
        { group: 'Branches', items: known ? names : [value, ...names] },
        ...(tagNames.length > 0 ? [{ group: 'Tags', items: tagNames }] : []),
      ]}
      value={value}
      onChange={(next) => next && onChange(next)}
      searchable
      allowDeselect={false}
      nothingFoundMessage="No such branch or tag"
      maxDropdownHeight={280}
      flex="1 1 180px"
    />
  )
}
