/** Why a reset that is to keep all connections (`keep: 'all'`) is refused, as far as its plan shows it. Pure. */

import type { DetailedPlan, PlanEntry } from './plan.ts'

/**
 * The reasons for which a reset with `keep: 'all'` is refused; empty if it may be applied.
 *
 * - It would close connections of a listener that stays.
 * - A component would end, and the files that it began with have changed. If its restart failed, the config before could not be brought back
 *   either, and nothing would run.
 *
 * @param running the components that run, by name. @param next those of the new config, by name.
 */
export const keepAllRefusals = (
  plan: DetailedPlan,
  running: ReadonlyMap<string, PlanEntry>,
  next: ReadonlyMap<string, PlanEntry>,
): readonly string[] => [...closingRefusals(plan), ...oneWayRefusals(plan, running, next)]

const closingRefusals = ({ parts, connections }: DetailedPlan): readonly string[] => {
  const stops = new Set(parts.filter(({ verdict }) => verdict === 'stop').map(({ name }) => name))
  const closing = connections.filter(({ listener, closed }) => closed > 0 && !stops.has(listener))
  if (closing.length === 0) return []
  const counts = closing.map(({ listener, closed }) => `${closed} of ${listener}`).join(', ')
  const restarts = parts.filter(({ verdict }) => verdict === 'restart')
  const causes = restarts.map(({ name, reasons }) => `${name} must restart (${reasons.join(', ')})`)
  return [[`the reset would close connections that are to be kept, ${counts}`, ...causes].join('; ')]
}

const oneWayRefusals = (
  { parts, endFirst }: DetailedPlan,
  running: ReadonlyMap<string, PlanEntry>,
  next: ReadonlyMap<string, PlanEntry>,
): readonly string[] =>
  parts.flatMap(({ name, verdict }) => {
    if (verdict !== 'restart' || !endFirst.has(name)) return []
    const before = running.get(name)!.files
    const changed = [...next.get(name)!.files].filter(([path, hash]) => (before.get(path) ?? hash) !== hash)
    return changed.map(([path]) => `${name} would have to restart for ${path}, and could not go back if that failed`)
  })
