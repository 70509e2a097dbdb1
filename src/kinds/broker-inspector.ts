import type { QoS } from 'mqtt-packet'
import type { Message } from '../mqtt/message.ts'
import type { Peer } from './peer.ts'
import type { RecipientInfo } from './recipient.ts'

/** A session in a walk: as `SessionInfo`, with the number of its subscriptions. */
export interface SessionRow {
  readonly id: string
  readonly userName: string | undefined
  readonly connected: boolean
  readonly expiryIntervalSeconds: number
  readonly disconnectedAtMs: number | undefined
  readonly subscriptions: number
  readonly inflight: number
  readonly waiting: number
  readonly hasWill: boolean
}

/** A connected client in a walk: as `ClientInfo`. */
export interface ClientRow extends RecipientInfo {
  readonly id: string
  readonly userName: string | undefined
  readonly peer: Peer
  readonly session: SessionRow
}

export interface SubscriptionRow {
  readonly clientId: string
  readonly filter: string
  readonly qos: QoS
}

/** One level of the tree of topics that have a retained message. */
export interface TopicLevel {
  /** The level itself; may be empty. */
  readonly level: string
  /** How many levels are directly below it. */
  readonly children: number
  /** The retained message of the topic that ends here. */
  readonly message: Message | undefined
}

/** How far a part of a search goes. */
export interface RetainedLimits {
  /** Topics to look at, at most. */
  readonly looked: number
  /** Messages to find, at most. */
  readonly found: number
  /** The number to end with. Infinity is the end. */
  readonly last: number
}

/** A part of a search among the retained messages. */
export interface RetainedPage {
  readonly messages: readonly Message[]
  /** The number to continue with; undefined when all up to the last were looked at. */
  readonly next: number | undefined
}

/**
 * Large lists of a broker for operators, in steps that a caller divides over turns of the event loop. The walks are not copies: what is
 * added meanwhile may be found, and what is removed is not. Each step is cheap, and no walk has to be completed. A step that finds nothing
 * yields undefined, so that it counts in a turn.
 */
export interface BrokerInspector {
  readonly counts: {
    readonly clients: number
    readonly sessions: number
    readonly subscriptions: number
    readonly retained: number
  }
  /** Connected clients, in the order in which they connected. */
  clients(): Iterable<ClientRow>
  /** All sessions, those of connected clients too. */
  sessions(): Iterable<SessionRow | undefined>
  /** The subscriptions of all sessions. */
  subscriptions(): Iterable<SubscriptionRow | undefined>
  /** The levels directly below a topic. @param above undefined for the first levels. */
  topics(above: string | undefined): Iterable<TopicLevel | undefined>
  /**
   * Searches for retained messages that a Topic Filter matches.
   * @param after 0, or the `next` of the page before.
   * @throws TypeError when this is no Topic Filter.
   */
  retained(filter: string, after: number, limits: RetainedLimits): RetainedPage
  /** @throws TypeError when this is no Topic Name. */
  retainedMessage(topic: string): Message | undefined
}
