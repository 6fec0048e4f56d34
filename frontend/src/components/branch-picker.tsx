/** Choosing a branch, by keyboard or by typing a part of its name. */
import { Select, type SelectProps } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { GitBranch } from 'lucide-react'
import { branchesQuery } from '@/api/queries/projects'

type Props = Omit<SelectProps, 'data' | 'onChange' | 'value'> & {
  project: number
  value: string
  onChange: (branch: string) => void
}

export function BranchPicker({ project, value, onChange, ...rest }: Props) {
  const branches = useQuery(branchesQuery(project))
  const names = branches.data?.items.map((branch) => branch.name) ?? []
  const data = names.includes(value) || !value ? names : [value, ...names]
  return (
    <Select
      aria-label={rest.label ? undefined : 'Branch'}
      leftSection={<GitBranch size={16} />}
      data={data}
      value={value}
      onChange={(next) => next && onChange(next)}
      searchable
      allowDeselect={false}
      nothingFoundMessage="No such branch"
      maxDropdownHeight={280}
      w={rest.w ?? 220}
      {...rest}
    />
  )
}
