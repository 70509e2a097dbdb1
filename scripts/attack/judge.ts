import type { Outcome } from '../floods/attack.ts'
import type { CrowdFigures, CrowdResult, Holdings } from './messages.ts'

/** The measurement of one attack. */
export interface Measured {
  /** Of the well-behaved clients, before the attack and during it. */
  readonly undisturbed: CrowdFigures
  readonly attacked: CrowdFigures
  readonly crowd: CrowdResult
  /** Before the attack, and when the attackers were gone: as soon as nothing was held any more, or at the deadline. */
  readonly before: Holdings
  readonly after: Holdings
  /** Of the broker, in bytes; undefined where there is no /proc. */
  readonly peakBytes: number | undefined
  /** What the config of the broker allows. */
  readonly boundBytes: number
  readonly outcome: Outcome
}

/**
 * Memory that an attack may leave behind, in bytes: compiled code, pools of buffers, caches with a bound. A leak of a connection, a
 * session or a packet for each step of an attack is a multiple of it.
 */
const KEPT_BYTES = 16 * 1024 ** 2

/** Handles that may be left: a lookup of changed files in the thread pool. */
const KEPT_HANDLES = 2

/** What the broker still holds of the attack. Empty when everything is released. */
export const unreleased = (before: Holdings, after: Holdings): string[] => {
  const more = (name: keyof Holdings) => after[name] - before[name]
  return [
    ...(more('connections') > 0 ? [`${more('connections')} connections`] : []),
    ...(more('sessions') > 0 ? [`${more('sessions')} sessions`] : []),
    ...(more('handles') > KEPT_HANDLES ? [`${more('handles')} handles`] : []),
    ...(more('memoryBytes') > KEPT_BYTES ? [`${Math.ceil(more('memoryBytes') / 1024 ** 2)} MiB`] : []),
  ]
}

/** What went wrong in an attack, as text. Time is none of it: it depends on the machine. */
export const faultsOf = ({ crowd, before, after, peakBytes, boundBytes, outcome }: Measured): string[] => {
  const { lost, unanswered, endings } = crowd
  const held = unreleased(before, after)
  const guessed = outcome['passwords guessed'] ?? 0
  return [
    ...(lost > 0 ? [`${lost} acknowledged messages were lost`] : []),
    ...(unanswered > 0 ? [`${unanswered} requests of well-behaved clients were not answered`] : []),
    ...(endings.length > 0 ? [`${endings.length} well-behaved clients were disconnected (${endings[0]})`] : []),
    ...(held.length > 0 ? [`not released: ${held.join(', ')}`] : []),
    ...(peakBytes !== undefined && peakBytes > boundBytes ? ['memory was over its bound'] : []),
    ...(guessed > 0 ? [`${guessed} clients with a wrong password were let in`] : []),
  ]
}
