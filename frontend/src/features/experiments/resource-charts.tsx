/** What the machine did while the experiment ran. */
import type { Resources } from '@/api/types'
import { CurveChart } from '@/components/curve-chart'
import { formatBytes } from '@/lib/format'
import type { Curve } from '@/lib/metrics'

const percent = (value: number) => `${Math.round(value)} %`
const CHARTS: { title: string; fields: [string, string][]; format: (value: number) => string }[] = [
  { title: 'CPU', fields: [['cpu_percent', 'CPU']], format: percent },
  { title: 'Memory', fields: [['memory_bytes', 'Memory']], format: formatBytes },
  { title: 'GPU', fields: [['gpu_percent', 'GPU']], format: percent },
  { title: 'Disk', fields: [['read_bytes', 'read'], ['write_bytes', 'written']], format: formatBytes },
  { title: 'Network', fields: [['net_rx', 'received'], ['net_tx', 'sent']], format: formatBytes },
]

export function ResourceCharts({ resources }: { resources: Resources }) {
  return (
    <div className="chart-grid">
      {CHARTS.map(({ title, fields, format }) => {
        const lines = fields.map(([field, label]) => ({ label, curve: overTime(resources, field) })).filter((line) => line.curve.steps.length > 0)
        return lines.length === 0 ? null : <CurveChart key={title} title={title} lines={lines} format={format} x="time" height={180} />
      })}
    </div>
  )
}

function overTime(resources: Resources, field: string): Curve {
  const curve: Curve = { steps: [], values: [] }
  resources[field]?.values.forEach((value, index) => {
    const time = resources[field]?.times_ms[index]
    if (value === null || time === undefined || time === null) return
    curve.steps.push(time / 1000)
    curve.values.push(value)
  })
  return curve
}
