/** A processor in a list. */
import { Group, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { BrainCircuit, ChartSpline, Wand2 } from 'lucide-react'
import type { Kind, Processor } from '@/api/types'
import { TimeAgo } from '@/components/small'
import { Chip } from '@/components/status-badge'

const ICONS: Record<Kind, typeof Wand2> = { operation: Wand2, algorithm: BrainCircuit, visualization: ChartSpline }

export function ProcessorCard({ processor }: { processor: Processor }) {
  const Icon = ICONS[processor.kind] ?? Wand2
  return (
    <Link className="card" to="/marketplace/$processorId" params={{ processorId: processor.id }}>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Group gap={8} wrap="nowrap" miw={0}>
          <Icon size={18} aria-hidden />
          <Text fw={650} truncate>{processor.title || processor.name}</Text>
        </Group>
        {processor.latest && <Chip>{processor.latest.version}</Chip>}
      </Group>
      <Text size="xs" c="dimmed" truncate>{processor.slug}</Text>
      <Text size="sm" lineClamp={2} flex={1} c={processor.description ? undefined : 'dimmed'}>{processor.description || 'No description'}</Text>
      <Group gap={6}>
        <Chip tone="accent">{processor.kind}</Chip>
        <Chip>{processor.environment}</Chip>
      </Group>
      <Text size="xs" c="dimmed">used {processor.usage_count} times · <TimeAgo at={processor.latest?.published_at ?? processor.created_at} /></Text>
    </Link>
  )
}
