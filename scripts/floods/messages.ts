/** The messages between the runner and its processes. */

import type { Outcome } from './attack.ts'

/** To the attackers: the first message. They answer `Prepared`. */
export interface AttackJob {
  readonly attack: string
  readonly port: number
  /** How many attackers this process plays. */
  readonly attackers: number
  readonly seconds: number
  readonly scale: number
}

/** From the attackers. */
export type AttackReport =
  /** The runner answers with any message, and the attack begins. */
  | { readonly type: 'prepared' }
  | { readonly type: 'finished'; readonly outcome: Outcome }
  | { readonly type: 'failed'; readonly reason: string }

/** To the well-behaved client. It answers `begin` with `begun` and `end` with the figures of the time between. */
export type WitnessRequest = { readonly type: 'begin'; readonly port: number } | { readonly type: 'end' }

export type WitnessReport =
  | { readonly type: 'begun' }
  | ({ readonly type: 'ended' } & WitnessFigures)
  | { readonly type: 'failed'; readonly reason: string }

/** Times in milliseconds. */
export interface WitnessFigures {
  readonly pings: number
  /** Those that were not answered in time, or when the connection was lost. */
  readonly unanswered: number
  readonly p50: number
  readonly p99: number
  readonly worst: number
  /** Of a PUBLISH packet at QoS 1 until its PUBACK. */
  readonly worstPublish: number
  /** The longest delay of the client itself. The other figures can contain this delay of the machine. */
  readonly ownDelay: number
}
