/** A chart for each metric: one run live, or several laid over each other. */
import { Group, Slider, Switch, Text } from '@mantine/core'
import { useState } from 'react'
import { smooth, type Curves } from '@/lib/metrics'
import { CurveChart } from './curve-chart'
import { Empty } from './states'

export type Source = { label: string; curves: Curves; colour?: string }

export function MetricCharts({ sources, waiting = false }: { sources: Source[]; waiting?: boolean }) {
  const [weight, setWeight] = useState(0)
  const [log, setLog] = useState(false)
  const keys = [...new Set(sources.flatMap((source) => Object.keys(source.curves)))].sort()
  if (keys.length === 0) {
    return <Empty title={waiting ? 'No metrics yet' : 'No metrics'}>{waiting ? 'Curves appear as soon as the algorithm reports its first value.' : 'The algorithm reported none. Print “mlreef: epoch=1 loss=0.5”, or write lines of JSON to the file named by $MLREEF_METRICS.'}</Empty>
  }
  const several = sources.length > 1
  return (
    <>
      <Group mb="sm" gap="lg">
        <Group gap="xs"><Text size="sm" id="smoothing">Smoothing</Text><Slider w={140} min={0} max={0.95} step={0.05} value={weight} onChange={setWeight} label={(value) => value.toFixed(2)} thumbLabel="Smoothing" aria-labelledby="smoothing" /></Group>
        <Switch label="Logarithmic" checked={log} onChange={(event) => setLog(event.currentTarget.checked)} />
      </Group>
      <div className="chart-grid">
        {keys.map((key) => {
          const lines = sources.flatMap((source) => {
            const curve = source.curves[key]
            return curve ? [{ label: several ? source.label : key, curve: smooth(curve, weight), colour: source.colour }] : []
          })
          const positive = lines.every((line) => line.curve.values.every((value) => value > 0))
          return <CurveChart key={key} title={key} lines={lines} log={log && positive} />
        })}
      </div>
    </>
  )
}
