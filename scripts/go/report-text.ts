/** The output of the dev loop. */

import { inspect } from 'node:util'
import type { AnySystemConfig } from '../../src/system/define-system.ts'
import type { Dev, StartReport } from '../../src/system/dev.ts'
import { formatError } from '../../src/system/format-error.ts'
import type { ComponentStatus, RefreshOutcome } from '../../src/system/lifecycle.ts'
import type { ResetReport } from '../../src/system/reset-plan.ts'
import { shownAs } from './command.ts'
import { missingOf, missingText } from './missing-text.ts'
import { counted, milliseconds } from './quantities.ts'
import { disconnectedText } from './reset-text.ts'
import { type Cell, table } from './table.ts'

/** The report of a `go`: the components with their place, order and start time. */
export const startText = (report: StartReport, colors: boolean): string => {
  if (!report.started) return `Already running ${count(report.components)}; reset() takes in what has changed.`
  const rows = report.components.map(({ name, kind, description, startMs }, index): Cell[] => [
    `${index + 1}`.padStart(3),
    { text: name, style: 'cyan' },
    kind,
    description ?? '',
    startMs === undefined ? '' : milliseconds(startMs).padStart(8),
  ])
  const times = `in ${milliseconds(report.startMs)} (loading the code took ${milliseconds(report.loadMs)})`
  const missing = missingText(report.components)
  const running = report.components.length - missingOf(report.components).length
  return [...table(rows, colors), ...missing, `Running ${counted(running, 'component')}, started ${times}.`].join('\n')
}

/** What a `retry` has started, and what still does not run. */
export const retryText = ({ parts }: ResetReport, components: readonly ComponentStatus[]): string => {
  const tried = parts.filter(({ verdict }) => verdict === 'start').map(({ name }) => name)
  if (tried.length === 0) return 'All components run: there is nothing to start.'
  const started = components.filter(({ name, state }) => state === 'running' && tried.includes(name))
  const names = started.map(({ name }) => name).join(', ')
  return [`Started ${started.length === 0 ? 'nothing' : names}.`, ...missingText(components)].join('\n')
}

/**
 * After a failed `go` or `reset`: what runs, what happened to state and clients, and what to do.
 * @param clients how many the reset disconnected.
 */
export const stateText = (dev: Dev, code: string, clients: number): string => {
  const lost = clients === 0 ? '' : `\n${disconnectedText(clients)}.`
  const again = 'fix this and call reset().'
  if (code === 'RESET_FAILED') {
    // A store that was not touched has kept its state as well.
    const whole = (dev.state.system?.status() ?? []).filter(({ resumed, kind }) => resumed || kind === 'Store')
    const state = stateWords(whole.map(({ name, kind }) => [name, kind]))
    return `The previous system runs again${state === undefined ? '' : `, with ${state}`}; ${again}${lost}`
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

/** How a `refresh` went: a line for each component that changed or failed. */
export const refreshText = (outcomes: readonly RefreshOutcome[]): string => {
  const lines = outcomes.flatMap(({ name, change, error }) => {
    if (error !== undefined) return [formatError(error)]
    return change === undefined ? [] : [`${name}: ${change}`]
  })
  if (lines.length > 0) return lines.join('\n')
  if (outcomes.length === 0) return 'No component that runs reads files.'
  return `Nothing has changed in the files of ${outcomes.map(({ name }) => name).join(', ')}.`
}

/** The config with each component replaced by its kind. */
export const configText = (config: AnySystemConfig, colors: boolean): string => {
  const entries = Object.entries(config).map(([name, { component, ...entry }]) => [
    name,
    { component: shownAs({}, `<${component.provides.name}>`), ...entry },
  ])
  return inspect(Object.fromEntries(entries), { colors, depth: 8, breakLength: 100 })
}

const count = ({ length }: readonly unknown[]): string => counted(length, 'component')
