/** The messages between the runner and its processes. */

import type { ListenerInfo } from '../../src/kinds/listener.ts'
import type { Targets } from './attack.ts'

/** To the attackers: the first message. */
export interface AttackJob {
  readonly attack: string
  readonly targets: Targets
  readonly attackers: number
  readonly seconds: number
  /** The part of the subscriptions and messages that an attack prepares. */
  readonly scale: number
}

/** To the well-behaved clients. */
export type CrowdRequest =
  | { readonly type: 'connect'; readonly targets: Targets; readonly clients: number }
  /** Answered with the figures since the last one. */
  | { readonly type: 'figures' }
  /** Nothing more is published. Answered when all is acknowledged and delivered, or nothing comes any more. */
  | { readonly type: 'settle' }

export type CrowdReport =
  | { readonly type: 'connected' }
  | ({ readonly type: 'figures' } & CrowdFigures)
  | ({ readonly type: 'settled' } & CrowdResult)
  | { readonly type: 'failed'; readonly reason: string }

/** Times in milliseconds. */
export interface CrowdFigures {
  readonly pings: number
  readonly p99: number
  readonly worst: number
  /** The longest delay of the process itself. The other figures can contain this delay of the machine. */
  readonly ownDelay: number
}

export interface CrowdResult {
  /** Messages that the broker acknowledged. */
  readonly acknowledged: number
  /** Those of them that were not delivered. */
  readonly lost: number
  /** Messages and pings that were never answered. */
  readonly unanswered: number
  /** Why connections ended. */
  readonly endings: readonly string[]
}

/** From the component `probe` in the broker: when it has started, and to each message. */
export type ProbeReport =
  | { readonly type: 'ready'; readonly listeners: readonly Pick<ListenerInfo, 'name' | 'address'>[] }
  | ({ readonly type: 'holdings' } & Holdings)

/** What the broker holds after the garbage is collected. */
export interface Holdings {
  readonly connections: number
  readonly sessions: number
  /** Sockets, pipes and other handles of the event loop, without timers. */
  readonly handles: number
  /** Bytes of the heap, and outside of it. */
  readonly memoryBytes: number
}
