import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { useLive } from './context.tsx'
import { HISTORY_SAMPLES, type Sample } from './history.ts'

export interface Series {
  readonly name: string
  readonly read: (sample: Sample) => number
}

interface ChartProps {
  /** What is drawn, with its unit: `Messages per second`. */
  readonly title: string
  /** One or two: the first is a full line, the second a dashed one. Colours are for states alone. */
  readonly series: readonly Series[]
  readonly format: (value: number) => string
  /** Bytes: the axis has powers of two. */
  readonly isBinary?: boolean
}

const HEIGHT = 120
/** The distances of marks on an axis of bytes. */
const POWERS_OF_TWO = Array.from({ length: 50 }, (_, power) => 2 ** power)

type PlotProps = Required<Omit<ChartProps, 'title'>>

/** The last five minutes of some values. */
export const Chart = ({ title, series, format, isBinary = false }: ChartProps) => {
  const last = useLive(({ history }) => history.last)
  const current = series.map(({ name, read }) => `${name}: ${last === undefined ? 'no value yet' : format(read(last))}`)
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        <span class="chart-window">last 5 min</span>
        <span class="chart-keys">
          {series.map(({ name, read }, index) => (
            <span key={name} class={`chart-key chart-key-${index}`}>
              {name} <b>{last === undefined ? '–' : format(read(last))}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div role="img" aria-label={`${title}, last 5 minutes. Now: ${current.join(', ')}`}>
        <Plot series={series} format={format} isBinary={isBinary} />
      </div>
    </figure>
  )
}

const Plot = (props: PlotProps) => {
  const { series } = props
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const samples = useLive(({ history }) => history.samples)
  const last = useLive(({ history }) => history.last)
  useEffect(() => {
    const element = place.current!
    const draw = () => {
      plot.current?.destroy()
      plot.current = new uPlot(optionsOf(element, props), dataOf(samples, series), element)
    }
    draw()
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }))
    resized.observe(element)
    const isDark = matchMedia('(prefers-color-scheme: dark)')
    isDark.addEventListener('change', draw)
    return () => {
      resized.disconnect()
      isDark.removeEventListener('change', draw)
      plot.current?.destroy()
    }
  }, [])
  useEffect(() => {
    const { current } = plot
    if (current === undefined || last === undefined) return
    current.setData(dataOf(samples, series), false)
    current.setScale('x', { min: last.timeSeconds - HISTORY_SAMPLES, max: last.timeSeconds })
  }, [last])
  return <div class="plot" ref={place} />
}

const dataOf = (samples: readonly Sample[], series: readonly Series[]): uPlot.AlignedData => [
  samples.map(({ timeSeconds }) => timeSeconds),
  ...series.map(({ read }) => samples.map(read)),
]

const optionsOf = (element: HTMLElement, { series, format, isBinary }: PlotProps): uPlot.Options => {
  const style = getComputedStyle(element)
  const color = (name: string): string => style.getPropertyValue(name).trim()
  const font = `11px ${style.fontFamily}`
  const axis = { stroke: color('--muted'), font, ticks: { show: false }, grid: { stroke: color('--line'), width: 1 } }
  return {
    width: Math.max(1, element.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 8, 0, 0],
    scales: { x: { time: true, auto: false }, y: { range: (_plot, _low, high) => [0, Math.max(high * 1.1, 1)] } },
    axes: [
      { ...axis, size: 20, gap: 4, space: 48, incrs: [60, 120], values: '{HH}:{mm}' },
      {
        ...axis,
        size: 64,
        gap: 4,
        space: 32,
        values: (_plot, values) => values.map(format),
        ...(isBinary && { incrs: POWERS_OF_TWO }),
      },
    ],
    series: [
      {},
      ...series.map((_each, index) => ({
        stroke: color(index === 0 ? '--text' : '--muted'),
        width: 1.5,
        ...(index > 0 && { dash: [4, 3] }),
        points: { show: false },
      })),
    ],
  }
}
