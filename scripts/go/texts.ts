/** What the dev loop prints. */

import { inspect } from 'node:util'
import type { AnySystemConfig } from '../../src/system/define-system.ts'
import type { Dev, StartReport } from '../../src/system/dev.ts'
import { formatError } from '../../src/system/format-error.ts'
import type { ComponentStatus } from '../../src/system/lifecycle.ts'

/** The value, which prints as the text: what a command returns can be read and still be worked with. */
export const shownAs = <T extends object>(value: T, text: string): T =>
  Object.defineProperty(value, inspect.custom, { value: () => text })

/** What a `go` started: what runs where, in which order, and how long each took. */
export const startText = (report: StartReport): string => {
  if (!report.started) return `Already running ${count(report.components)}; reset() takes in what has changed.`
  const rows = report.components.map(({ name, kind, description, startMs }, index) => [
    `${index + 1}`.padStart(3),
    name,
    kind,
    description ?? '',
    startMs === undefined ? '' : milliseconds(startMs).padStart(8),
  ])
  const times = `in ${milliseconds(report.startMs)} (loading the code took ${milliseconds(report.loadMs)})`
  return [...table(rows), `Running ${count(report.components)}, started ${times}.`, ...stopErrors(report)].join('\n')
}

/** How a `reset` went. */
export const resetText = (report: StartReport): string => {
  const { changed, components, loadMs, stopMs, startMs } = report
  const times = `load ${milliseconds(loadMs)}, stop ${milliseconds(stopMs)}, start ${milliseconds(startMs)}`
  const reloaded = changed.length === 0 ? 'No file changed' : `Reloaded ${changed.join(', ')}`
  const total = milliseconds(loadMs + stopMs + startMs)
  return [`${reloaded}; running ${count(components)} again after ${total} (${times}).`, ...stopErrors(report)].join(
    '\n',
  )
}

/** What runs after a `go` or `reset` that failed with this code, what has become of the state, and what to do. */
export const stateText = (dev: Dev, code: string): string => {
  const again = 'fix this and call reset().'
  if (code === 'RESET_FAILED') {
    const resumed = (dev.state.system?.status() ?? []).filter(({ resumed }) => resumed)
    const state = stateWords(resumed.map(({ name, kind }) => [name, kind]))
    return `The previous system runs again${state === undefined ? '' : `, with ${state}`}; ${again}`
  }
  if (dev.state.system?.state === 'running') return `The system from before keeps running; ${again}`
  const kept = stateWords([...dev.kept].map(([name, { kind }]) => [name, kind]))
  if (kept === undefined) return `Nothing is running; ${again}`
  return `Nothing is running; ${again}\nKept for the next system that starts: ${kept}. stop() discards what is kept.`
}

/** The state of components, by name and kind, in words; undefined when there is none. */
const stateWords = (components: readonly (readonly [name: string, kind: string])[]): string | undefined => {
  if (components.some(([, kind]) => kind === 'Store')) return 'its sessions and retained messages'
  return components.length === 0 ? undefined : `the state of ${components.map(([name]) => name).join(', ')}`
}

/** A table of all components and their states. */
export const statusText = (components: readonly ComponentStatus[]): string => {
  if (components.length === 0) return 'No system has been made yet.'
  const heads = ['component', 'kind', 'state', 'description', 'started in', '']
  const rows = components.map(({ name, kind, state, description, startMs, blockedBy, error }) => [
    name,
    kind,
    blockedBy.length === 0 ? state : `${state} by ${blockedBy.join(', ')}`,
    description ?? '',
    startMs === undefined ? '' : milliseconds(startMs),
    error === undefined ? '' : (formatError(error).split('\n')[0] ?? ''),
  ])
  return table([heads, ...rows]).join('\n')
}

/** The config with its components reduced to their kinds, which is what a person looks for in it. */
export const configText = (config: AnySystemConfig, colors: boolean): string => {
  const entries = Object.entries(config).map(([name, { component, ...entry }]) => [
    name,
    { component: shownAs({}, `<${component.provides.name}>`), ...entry },
  ])
  return inspect(Object.fromEntries(entries), { colors, depth: 8, breakLength: 100 })
}

/** `12 ms`, with a decimal below 10. */
export const milliseconds = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`

/** Columns of equal width, two spaces apart. */
const table = (rows: readonly (readonly string[])[]): string[] => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

const count = ({ length }: readonly unknown[]): string => (length === 1 ? '1 component' : `${length} components`)

const stopErrors = ({ stopErrors }: StartReport): string[] =>
  stopErrors.map((error) => `The system from before did not stop cleanly: ${formatError(error)}`)
