/** What the machine did while the experiment ran. */
import type { ResourceSample } from '@/api/types'
import { CurveChart } from '@/components/curve-chart'
import { formatBytes } from '@/lib/format'

type Field = Exclude<keyof ResourceSample, 'time_ms'>
const CHARTS: { title: string; fields: [Field, string][]; format: (value: number) => string }[] = [
  { title: 'CPU', fields: [['cpu_percent', 'CPU']], format: (value) => `${Math.round(value)} %` },
  { title: 'Memory', fields: [['memory_bytes', 'Memory']], format: formatBytes },
  { title: 'GPU', fields: [['gpu_percent', 'GPU']], format: (value) => `${Math.round(value)} %` },
  { title: 'Disk', fields: [['read_bytes', 'read'], ['write_bytes', 'written']], format: formatBytes },
  { title: 'Network', fields: [['net_rx', 'received'], ['net_tx', 'sent']], format: formatBytes },
]

export function ResourceCharts({ samples }: { samples: ResourceSample[] }) {
  return (
    <div className="chart-grid">
      {CHARTS.map(({ title, fields, format }) => {
        const lines = fields
          .map(([field, label]) => ({ label, curve: curveOf(samples, field) }))
          .filter((line) => line.curve.steps.length > 0)
        return lines.length === 0 ? null : <CurveChart key={title} title={title} lines={lines} format={format} x="time" height={180} />
      })}
    </div>
  )
}

function curveOf(samples: ResourceSample[], field: Field) {
  const known = samples.filter((sample) => sample[field] !== null && sample[field] !== undefined)
  return { steps: known.map((sample) => sample.time_ms / 1000), values: known.map((sample) => sample[field] as number) }
}
