/** The output of `reset()` and `plan()`: what becomes of each component, and of the connections. */

import type { StartReport } from '../../src/system/dev.ts'
import { formatError } from '../../src/system/format-error.ts'
import type { AppliedPart, PlannedPart, ResetPlan, ResetReport, Verdict } from '../../src/system/reset-plan.ts'
import { missingOf, missingText } from './missing-text.ts'
import { counted, milliseconds } from './quantities.ts'
import { type Cell, type Style, table } from './table.ts'

/** The maximum number of file names that are printed. */
const mostFiles = 8
/** The maximum number of reasons that are printed for a component. */
const mostReasons = 3
/** The width of a reason in a table. */
const widestReason = 100

/**
 * The report of a `reset`: `reset: 3 modules, 14 ms; 812 connections kept`, and below it what became of which component.
 * @param clients how many were connected before; undefined if nothing ran.
 */
export const resetText = (report: StartReport, clients: number): string => {
  const { changed, components, loadMs, startMs, reset } = report
  const what = changed.length === 0 ? 'nothing changed' : counted(changed.length, 'module')
  return [
    `reset: ${what}, ${milliseconds(loadMs + startMs)}; ${clientsText(reset, clients)}`,
    ...(changed.length === 0 ? [] : [`Reloaded ${shortened(changed, mostFiles).join(', ')}.`]),
    ...(reset === undefined ? [] : partLines(reset)),
    reset === undefined
      ? `Running ${counted(components.length, 'component')} (load ${milliseconds(loadMs)}, start ${milliseconds(startMs)}).`
      : `${summary(reset, missingOf(components).length)} (${timesText(loadMs, reset)}).`,
    ...report.stopErrors.filter((error) => !isOfStart(error)).map(notClean),
    ...missingText(components),
  ].join('\n')
}

const notClean = (error: unknown): string => `A component that was ended did not stop cleanly: ${formatError(error)}`

/** What failed to start is shown with what it blocks. */
const isOfStart = (error: unknown): boolean => {
  const { phase } = error as { phase?: unknown }
  return phase === 'start' || phase === 'resume'
}

const timesText = (loadMs: number, { prepareMs, cutOverMs, finishMs }: ResetReport): string =>
  [
    ['load', loadMs],
    ['prepare', prepareMs],
    ['cut over', cutOverMs],
    ['finish', finishMs],
  ]
    .map(([name, ms]) => `${name} ${milliseconds(ms as number)}`)
    .join(', ')

/** `Running 9 components, 7 kept`. */
const summary = ({ parts }: ResetReport, missing: number): string => {
  const running = parts.filter(({ verdict }) => verdict !== 'stop')
  const kept = running.filter(({ verdict }) => verdict === 'keep')
  const all = counted(running.length - missing, 'component')
  if (kept.length === running.length) return `All ${all} kept`
  return `Running ${all}${kept.length === 0 ? '' : `, ${kept.length} kept`}`
}

/** What the reset did to the clients. */
const clientsText = (reset: ResetReport | undefined, clients: number): string => {
  if (clients === 0) return 'no client was connected'
  const closed = closedBy(reset, clients)
  if (closed === 0) return `${counted(clients, 'client')} ${clients === 1 ? 'stays' : 'stay'} connected`
  return disconnectedText(closed)
}

/** How many clients a reset disconnected. Without a count by the plan: all, if anything that was restarted may have had them. */
export const closedBy = (reset: ResetReport | undefined, clients: number): number => {
  if (reset === undefined) return clients
  const { connections, parts } = reset.plan
  if (connections.length > 0) return connections.reduce((sum, { closed }) => sum + closed, 0)
  return parts.some(({ verdict, kind }) => kind === 'Listener' && ends(verdict)) ? clients : 0
}

const ends = (verdict: Verdict): boolean => verdict === 'restart' || verdict === 'stop'

export const disconnectedText = (clients: number): string =>
  `${counted(clients, 'client')} ${clients === 1 ? 'was' : 'were'} disconnected and may reconnect`

/** A line for each component that was touched for a reason of its own; those that only followed are in one line. */
const partLines = (reset: ResetReport): readonly string[] => {
  const kept = reset.plan.connections.reduce((sum, { keptUntouched, repiped }) => sum + keptUntouched + repiped, 0)
  const touched = reset.parts.filter(({ verdict }) => verdict !== 'keep')
  const followers = touched.filter((part) => part.verdict === 'restart' && followsOnly(part))
  const lines = touched.filter((part) => !followers.includes(part)).map((part) => partLine(part, kept))
  if (followers.length === 0) return lines
  return [...lines, `restart what depends on that: ${followers.map(({ name }) => name).join(', ')}`]
}

const followsOnly = ({ reasons }: PlannedPart): boolean =>
  reasons.every((reason) => / is (restarted|swapped)$/.test(reason))

/** `swap mqttHandler: 9 ms, 812 connections kept (publish.ts)` */
const partLine = ({ name, verdict, reasons, ms }: AppliedPart, kept: number): string => {
  const facts = [
    ...(ms === undefined ? [] : [milliseconds(ms)]),
    ...(kept > 0 && verdict === 'swap' ? [`${counted(kept, 'connection')} kept`] : []),
  ]
  const why = reasons.length === 0 ? '' : ` (${shortened(reasons, mostReasons).map(shortReason).join(', ')})`
  return `${verdict} ${name}${facts.length === 0 ? '' : `: ${facts.join(', ')}`}${why}`
}

/** `components/mqtt-handler/publish.ts changed` as `publish.ts`. */
const shortReason = (reason: string): string => /^(?:.*\/)?([^/]+\.\w+) changed$/.exec(reason)?.[1] ?? reason

const shortened = (texts: readonly string[], most: number): readonly string[] =>
  texts.length > most ? [...texts.slice(0, most), `${texts.length - most} more`] : texts

const verdictStyles: Readonly<Record<Verdict, Style>> = {
  keep: 'dim',
  adjust: 'green',
  swap: 'cyan',
  restart: 'yellow',
  start: 'green',
  stop: 'red',
}

/** A plan as a table, in start order; components that are kept are in one line. */
export const planText = ({ parts, connections }: ResetPlan, colors: boolean): string => {
  const kept = parts.filter(({ verdict }) => verdict === 'keep').map(({ name }) => name)
  const rows = parts
    .filter(({ verdict }) => verdict !== 'keep')
    .map(({ name, kind, verdict, reasons }): Cell[] => [
      name,
      { text: verdict, style: verdictStyles[verdict] },
      kind,
      shortened(reasons, mostReasons).join(', '),
    ])
  return [
    ...table(rows, colors, undefined, widestReason),
    ...(kept.length === 0
      ? []
      : [rows.length === 0 ? `Nothing changed: ${kept.join(', ')} are kept.` : `Kept: ${kept.join(', ')}.`]),
    ...connections.map(connectionsText),
  ].join('\n')
}

/** `812 connections of server: opened anew, without notice by the clients`. */
const connectionsText = ({ listener, keptUntouched, repiped, closed }: ResetPlan['connections'][number]): string => {
  const fates = [
    ...(keptUntouched > 0 ? [`${keptUntouched} not touched`] : []),
    ...(repiped > 0 ? [`${repiped} kept with new pipelines`] : []),
    ...(closed > 0 ? [`${closed} closed`] : []),
  ]
  return `Connections of ${listener}: ${fates.length === 0 ? 'none' : fates.join(', ')}.`
}
