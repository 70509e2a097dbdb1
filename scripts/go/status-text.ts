/** The output of `status()`. */

import { formatError } from '../../src/system/format-error.ts'
import type { ComponentMeasure, Measure } from '../../src/system/measure.ts'
import type { ComponentState, SystemView } from '../../src/system/system-view.ts'
import { byteSize, counted, duration, milliseconds } from './quantities.ts'
import { clientsOf } from './running.ts'
import { type Cell, type Style, table } from './table.ts'

/** Letters of a line with numbers, before it is continued on the next. */
const lineLength = 80

/**
 * Clients, uptime and memory, then a table of all components and their states, then the numbers of the components.
 * @param memory of the process.
 */
export const statusText = (
  system: SystemView | undefined,
  memory: { readonly rss: number; readonly heapUsed: number },
  nowMs: number,
  colors: boolean,
): string => {
  if (system === undefined) return 'No system has been made yet.'
  const measures = measureRows(system.measures())
  return [
    overview(system, memory, nowMs),
    '',
    ...componentTable(system, colors),
    ...(measures.length === 0
      ? []
      : ['', ...table(measures, colors, ['component', 'numbers'], Number.POSITIVE_INFINITY)]),
  ].join('\n')
}

const overview = (system: SystemView, memory: { rss: number; heapUsed: number }, nowMs: number): string => {
  const { state, runningSinceMs } = system
  const clients = clientsOf(system)
  const up = runningSinceMs === undefined ? '' : ` for ${duration(nowMs - runningSinceMs)}`
  return [
    state === 'running' ? `Running${system.degraded ? ' without some components' : ''}${up}` : `The system is ${state}`,
    ...(clients === undefined ? [] : [counted(clients, 'client')]),
    `memory ${byteSize(memory.rss)}, ${byteSize(memory.heapUsed)} of it JavaScript objects`,
  ].join('; ')
}

const stateStyles: Readonly<Partial<Record<ComponentState, Style>>> = {
  disabled: 'dim',
  running: 'green',
  starting: 'yellow',
  stopping: 'yellow',
  blocked: 'yellow',
  failed: 'red',
}

const componentTable = (system: SystemView, colors: boolean): string[] => {
  const heads = ['component', 'kind', 'state', 'description', 'started in', 'error']
  const rows = system.status().map(({ name, kind, state, description, startMs, blockedBy, error }): Cell[] => {
    const words = blockedBy.length === 0 ? state : `${state} by ${blockedBy.join(', ')}`
    const style = stateStyles[state]
    return [
      name,
      kind,
      style === undefined ? words : { text: words, style },
      description ?? '',
      startMs === undefined ? '' : milliseconds(startMs),
      error === undefined ? '' : (formatError(error).split('\n')[0] ?? ''),
    ]
  })
  return table(rows, colors, heads)
}

/** The numbers of each component. Counters of 0 are omitted. */
const measureRows = (measures: readonly ComponentMeasure[]): Cell[][] => {
  const byComponent = new Map<string, string[]>()
  for (const { component, measure } of measures) {
    const value = measure.read()
    if (value === 0 && measure.kind === 'counter') continue
    byComponent.set(component, [...(byComponent.get(component) ?? []), measureWords(measure, value)])
  }
  return [...byComponent].flatMap(([component, words]) =>
    linesOf(words).map((line, index): Cell[] => [index === 0 ? component : '', line]),
  )
}

/** `2 open connections`, `12 subscriptions`, `partial 1.5 MiB`. */
const measureWords = ({ name, unit, labels }: Measure, value: number): string => {
  const label =
    labels === undefined
      ? ''
      : ` (${Object.entries(labels)
          .map(([key, text]) => `${key} ${text}`)
          .join(', ')})`
  const words = name.replaceAll('_', ' ')
  if (unit === 'bytes') return `${words} ${byteSize(value)}${label}`
  return `${value.toLocaleString('en')} ${words === unit ? unit : `${words} ${unit}`}${label}`
}

const linesOf = (words: readonly string[]): string[] => {
  const lines: string[] = []
  for (const word of words) {
    const last = lines.at(-1)
    if (last === undefined || last.length + word.length + 2 > lineLength) lines.push(word)
    else lines[lines.length - 1] = `${last}, ${word}`
  }
  return lines
}
