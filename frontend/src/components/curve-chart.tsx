/** Curves over steps with uPlot: several runs in one chart, colours that stay with the run. */
import { useComputedColorScheme } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { formatNumber } from '@/lib/format'
import { align, type Curve } from '@/lib/metrics'

export const COLOURS = ['#0f838a', '#e8590c', '#5f3dc4', '#2b8a3e', '#c2255c', '#1971c2', '#a07000', '#6741d9', '#087f5b', '#d6336c']

export type Line = { label: string; curve: Curve; colour?: string }
type Props = { title: string; lines: Line[]; height?: number; log?: boolean; x?: 'step' | 'time'; format?: (value: number) => string }

export function CurveChart({ title, lines, height = 220, log = false, x = 'step', format = formatNumber }: Props) {
  const { ref: measure, width } = useElementSize()
  const host = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | null>(null)
  const dark = useComputedColorScheme('light') === 'dark'
  const shape = JSON.stringify([lines.map((line) => [line.label, line.colour]), log, x, dark, height])
  const data = align(lines.map((line) => line.curve))
  const latest = useRef(data)
  latest.current = data
  const formatter = useRef(format)
  formatter.current = format

  useEffect(() => {
    if (!host.current || width === 0) return
    const plot = new uPlot(options({ shape, width, format: (value) => formatter.current(value) }), latest.current as uPlot.AlignedData, host.current)
    chart.current = plot
    return () => {
      plot.destroy()
      chart.current = null
    }
  }, [shape, width])
  useEffect(() => chart.current?.setData(latest.current as uPlot.AlignedData))

  return (
    <figure className="panel" style={{ margin: 0 }} aria-label={`Chart of ${title}`}>
      <div className="panel-head" style={{ minHeight: 36 }}><strong className="grow cut">{title}</strong><span>{lines.length === 1 ? format(lines[0]?.curve.values.at(-1) ?? Number.NaN).replace('NaN', '–') : ''}</span></div>
      <div ref={measure} style={{ padding: '8px 6px 4px 0' }}><div ref={host} /></div>
      {lines.length > 1 && (
        <div className="legend">
          {lines.map((line, index) => <span key={line.label}><i style={{ background: colourOf(line, index) }} />{line.label}: {format(line.curve.values.at(-1) ?? Number.NaN).replace('NaN', '–')}</span>)}
        </div>
      )}
    </figure>
  )
}

export function colourOf(line: { colour?: string }, index: number): string {
  return line.colour ?? (COLOURS[index % COLOURS.length] as string)
}

/** A colour for dark backgrounds: a third of the way to white. */
function lighter(colour: string): string {
  const parts = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
  return `rgb(${parts.map((part) => Math.round(part + (255 - part) * 0.34)).join(', ')})`
}

type OptionInput = { shape: string; width: number; format: (value: number) => string }

function options({ shape, width, format }: OptionInput): uPlot.Options {
  const [lines, log, x, dark, height] = JSON.parse(shape) as [[string, string | null][], boolean, string, boolean, number]
  const ink = dark ? '#c1c9d0' : '#49535c'
  const grid = { stroke: dark ? '#2a3239' : '#e6eaed', width: 1 }
  const axis = { stroke: ink, grid, ticks: grid, font: '11px system-ui' }
  return {
    width,
    height,
    cursor: { points: { size: 6 }, sync: { key: 'curves' } },
    legend: { show: false },
    scales: { x: { time: x === 'time' }, y: { distr: log ? 3 : 1 } },
    axes: [axis, { ...axis, size: 62, values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : format(tick))) }],
    series: [
      {},
      ...lines.map(([label, colour], index): uPlot.Series => ({
        label,
        stroke: dark ? lighter(colourOf({ colour: colour ?? undefined }, index)) : colourOf({ colour: colour ?? undefined }, index),
        width: 1.8,
        spanGaps: true,
        points: { size: 5 },
      })),
    ],
    plugins: [tooltip(format)],
  }
}

/** The values under the cursor. */
function tooltip(format: (value: number) => string): uPlot.Plugin {
  const box = document.createElement('div')
  box.className = 'chart-tip'
  return {
    hooks: {
      init: (plot) => { plot.over.append(box) },
      setCursor: (plot) => {
        const at = plot.cursor.idx
        if (at === null || at === undefined || (plot.cursor.left ?? -1) < 0) {
          box.style.display = 'none'
          return
        }
        const step = plot.data[0][at]
        const rows = plot.series.slice(1).flatMap((series, index) => {
          const value = plot.data[index + 1]?.[at]
          return value === null || value === undefined ? [] : [`${String(series.label)}: ${format(value)}`]
        })
        box.textContent = [plot.scales.x?.time ? new Date((step ?? 0) * 1000).toLocaleTimeString('en-GB') : `step ${step}`, ...rows].join('\n')
        box.style.display = rows.length > 0 ? 'block' : 'none'
        const left = plot.cursor.left ?? 0
        box.style.left = left > plot.over.clientWidth / 2 ? '' : `${left + 12}px`
        box.style.right = left > plot.over.clientWidth / 2 ? `${plot.over.clientWidth - left + 12}px` : ''
      },
    },
  }
}
