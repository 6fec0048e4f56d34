/** A processor in a list. */
import { Group, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { ArrowRight, Play, Star } from 'lucide-react'
import type { Processor } from '@/api/types'
import { KindIcon, Verified, VersionState } from '@/components/processor-marks'
import { TimeAgo } from '@/components/small'
import { Chip } from '@/components/status-badge'
import { formatCount, plural } from '@/lib/format'

const MOST_TYPES = 3

export function ProcessorCard({ processor }: { processor: Processor }) {
  const { latest } = processor
  return (
    <Link className="card" to="/marketplace/$processorId" params={{ processorId: processor.id }}>
      <Group gap={10} wrap="nowrap" align="flex-start">
        <KindIcon kind={processor.kind} />
        <div className="grow">
          <Group gap={6} wrap="nowrap">
            <Text fw={650} className="cut">{processor.title || processor.name}</Text>
            <Verified processor={processor} />
          </Group>
          <Text size="xs" c="dimmed" className="cut" title={processor.slug}>{processor.slug}</Text>
        </div>
        {latest && <span className="id nowrap">{latest.version}</span>}
      </Group>
      <div style={{ flex: 1 }}><Text size="sm" lineClamp={2} c={processor.description ? undefined : 'dimmed'}>{processor.description || 'No description'}</Text></div>
      <Group gap={6}>
        <VersionState status={latest?.status} />
        <DataTypes input={processor.input_types} output={processor.output_types} />
        <Chip>{processor.environment}</Chip>
      </Group>
      <div className="card-foot">
        {processor.star_count !== undefined && <span title={plural(processor.star_count, 'star')}><Star size={13} aria-hidden /> {formatCount(processor.star_count)}<span className="sr-only"> stars</span></span>}
        <span title={`used ${plural(processor.usage_count, 'time')}`}><Play size={13} aria-hidden /> {formatCount(processor.usage_count)}<span className="sr-only"> runs</span></span>
        {processor.licence && <span className="cut" title={`Licence ${processor.licence}`}>{processor.licence}</span>}
        <span className="card-when"><TimeAgo at={latest?.published_at ?? processor.published_at ?? processor.created_at} /></span>
      </div>
    </Link>
  )
}

/** image → image, table */
export function DataTypes({ input, output }: { input: string[]; output: string[] }) {
  if (input.length === 0 && output.length === 0) return null
  return (
    <span className="status" data-tone="accent">
      {brief(input)}<ArrowRight size={12} aria-label="to" />{brief(output)}
    </span>
  )
}

function brief(types: string[]): string {
  if (types.length === 0) return 'any'
  return types.length > MOST_TYPES ? `${types.slice(0, MOST_TYPES).join(', ')} +${types.length - MOST_TYPES}` : types.join(', ')
}
