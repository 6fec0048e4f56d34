/** Pages of a list, kept in the address by the caller. */
import { Group, Pagination, Text } from '@mantine/core'

type Props = { total: number; page: number; perPage: number; onChange: (page: number) => void }

export function Pager({ total, page, perPage, onChange }: Props) {
  const pages = Math.ceil(total / perPage)
  if (pages <= 1) return null
  return (
    <Group justify="space-between" mt="md">
      <Text size="sm" c="dimmed">{total.toLocaleString('en')} in total</Text>
      <Pagination
        total={pages}
        value={page}
        onChange={onChange}
        size="sm"
        getItemProps={(number) => ({ 'aria-label': `Page ${number}` })}
        getControlProps={(control) => ({ 'aria-label': `${control} page` })}
      />
    </Group>
  )
}
