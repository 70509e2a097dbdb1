/** What a reload of a program in production refuses although it would close no connection that is to be kept. */

import { Listener } from './kinds/listener.ts'
import { Store } from './kinds/store.ts'
import type { AnySystemConfig } from './system/define-system.ts'
import type { ResetPlan, Verdict } from './system/reset-plan.ts'

/**
 * Why a plan is not applied, for each problem; empty if it may be.
 *
 * - The state of one store is not moved to another: the broker would go on without the sessions, queues and retained messages that it
 *   has, even at a time without connections.
 * - Without a listener no client could connect any more, and nothing would show it but the silence.
 *
 * @param present the config in force. @param next a config without problems, which the plan is for.
 */
export const refusalsOf = (plan: ResetPlan, present: AnySystemConfig, next: AnySystemConfig): readonly string[] => [
  ...plan.parts.flatMap(({ name, kind, verdict }) => {
    // One that does not run yet has nothing to lose.
    if (kind !== Store.name || verdict === 'start') return []
    if (verdict !== 'stop' && !isAnother(present[name], next[name], verdict)) return []
    const what = verdict === 'stop' ? `${name} would end` : `${name} would begin with another content`
    return [`${what}, and sessions and messages are not moved to another store: restart the process for it`]
  }),
  ...listenerRefusals(plan),
]

type Entry = AnySystemConfig[string]

/** Whether a store that runs would have another content: that of another place, or none. One that only begins has no other. */
const isAnother = (present: Entry | undefined, next: Entry | undefined, verdict: Verdict): boolean => {
  if (present === undefined || present.enabled === false || next === undefined) return false
  const place = placeOf(present)
  if (place !== placeOf(next)) return true
  // Other code over the same directory finds what is there, and a swap hands over what is in memory.
  return present.component !== next.component && verdict === 'restart' && place === NOWHERE
}

const NOWHERE = '[]'

/** What it keeps for its life: its directory. */
const placeOf = ({ component, config }: Entry): string =>
  JSON.stringify(component.fixed?.(component.config.parse(config ?? {}) as never) ?? [])

const listenerRefusals = ({ parts }: ResetPlan): readonly string[] => {
  const listeners = parts.filter(({ kind }) => kind === Listener.name)
  if (listeners.length === 0 || listeners.some(({ verdict }) => verdict !== 'stop')) return []
  const names = listeners.map(({ name }) => name).join(', ')
  return [`${names} would end, and no client could connect any more: stop the process for it`]
}
