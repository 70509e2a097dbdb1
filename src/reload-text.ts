/** What a reload did, in lines for the log of a program. */

import { counted } from './collections/counted.ts'
import type { PlannedPart, ResetPlan } from './system/reset-plan.ts'
import type { Reloaded } from './system/system-reloader.ts'

/** A line about one component: `adjust logger: config.level`. */
export const planLine = ({ verdict, name, reasons }: PlannedPart): string =>
  reasons.length === 0 ? `${verdict} ${name}` : `${verdict} ${name}: ${reasons.join('; ')}`

/** The components that a plan does not keep as they are. */
export const changesOf = ({ parts }: ResetPlan): readonly PlannedPart[] =>
  parts.filter(({ verdict }) => verdict !== 'keep')

/** `812 connections kept`, with those that are closed. */
export const connectionsText = ({ connections }: ResetPlan): string => {
  const sum = (of: (each: ResetPlan['connections'][number]) => number): number =>
    connections.reduce((total, each) => total + of(each), 0)
  const kept = sum(({ keptUntouched, repiped }) => keptUntouched + repiped)
  const closed = sum((each) => each.closed)
  const text = `${counted(kept, 'connection')} kept`
  return closed === 0 ? text : `${text}, ${closed} closed`
}

/** The lines of a reload; the last one sums it up. */
export const reloadLines = ({ report, refreshed }: Reloaded): readonly string[] => {
  const changes = changesOf(report.plan)
  const files = refreshed.flatMap(({ name, change }) => (change === undefined ? [] : [`${name}: ${change}`]))
  if (changes.length === 0 && files.length === 0)
    return ['nothing has changed in the config and in the files that it names']
  const ms = report.prepareMs + report.cutOverMs + report.finishMs
  const text = `reloaded in ${ms.toFixed(0)} ms: ${counted(changes.length + files.length, 'change')}, ${connectionsText(report.plan)}`
  return [...changes.map(planLine), ...files, text]
}
