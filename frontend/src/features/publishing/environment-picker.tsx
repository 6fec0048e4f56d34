/** The environment to build on: what it holds is shown before it is chosen. */
import { Group, Input, Radio, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { environmentsQuery } from '@/api/queries/processors'
import type { Environment } from '@/api/types'
import { Chip } from '@/components/status-badge'
import { FormError, Loading } from '@/components/states'
import { plural } from '@/lib/format'

type Props = { value: string; error?: string; onChange: (name: string) => void }

const NAMED = 5

export function EnvironmentPicker({ value, error, onChange }: Props) {
  const query = useQuery(environmentsQuery)
  if (query.isPending) return <Input.Wrapper label="Environment"><Loading kind="form" /></Input.Wrapper>
  const known = (query.data ?? []).filter((one) => one.selectable !== false)
  return (
    <Radio.Group label="Environment" required value={value} error={error ?? (known.length > 0 && !known.some((one) => one.name === value) && value ? `${value} is not registered here; choose another one` : undefined)} onChange={onChange}>
      <FormError error={query.error} />
      {query.data && known.length === 0 && <Text size="sm" c="dimmed">No environment has an image yet. An administrator builds the first one: mlreef environment build python-3.11</Text>}
      <Stack gap={6} mt={4} mah={260} style={{ overflowY: 'auto' }}>{known.map((one) => <Choice key={one.name} of={one} chosen={one.name === value} />)}</Stack>
    </Radio.Group>
  )
}

function Choice({ of, chosen }: { of: Environment; chosen: boolean }) {
  const names = (of.packages ?? []).map((pin) => pin.split('==')[0])
  return (
    <Radio.Card value={of.name} radius="md" p="8px 12px" className="choice" data-chosen={chosen}>
      <Group wrap="nowrap" align="flex-start" gap="sm">
        <Radio.Indicator mt={3} />
        <div className="grow">
          <Group gap={6}><Text size="sm" fw={600}>{of.title || of.name}</Text><Text size="xs" c="dimmed">{of.name}</Text>{of.flavour && <Chip tone={of.flavour === 'gpu' ? 'wait' : 'idle'}>{of.flavour.toUpperCase()}</Chip>}</Group>
          {names.length > 0 && <Text size="xs" c="dimmed" className="cut">{names.slice(0, NAMED).join(', ')}{names.length > NAMED ? ` and ${plural(names.length - NAMED, 'more package')}` : ''}</Text>}
        </div>
      </Group>
    </Radio.Card>
  )
}
