/**
 * The state of a client in plain data: what the handler that a reset puts in the place of another one continues from. An instance of a
 * class would belong to the old code. Containers, messages, promises and timers are passed by reference.
 */

import type { ISubscription, QoS } from 'mqtt-packet'
import type { Standing } from '../../src/collections/timer-wheel.ts'
import type { AuthenticationExchange, AuthenticationMethod } from '../../src/kinds/authentication-method.ts'
import type { Credentials } from '../../src/kinds/authenticator.ts'
import type { ClientBroker } from '../../src/kinds/client-broker.ts'
import type { ClientSession } from '../../src/kinds/client-session.ts'
import type { Identity } from '../../src/kinds/identity.ts'
import type { ControlPacket } from '../../src/kinds/pipeline-stage.ts'
import type { Acknowledgement } from '../../src/mqtt/acknowledgement.ts'
import type { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { IncomingAliasesRecord, OutgoingAliasesRecord } from '../../src/mqtt/topic-alias.ts'
import type { ConnectRequest } from './connect-request.ts'
import type { LatePort } from './late-port.ts'
import type { Phase } from './phase.ts'
import type { Terms } from './terms.ts'

/** Of `DispatchRecord` and all that is in it. Counted up when it changes. */
export const RECORD_VERSION = 2

/** The state of one connection. */
export interface DispatchRecord {
  readonly version: number
  readonly client: ClientRecord
  /** Acknowledgements that are neither charged nor counted yet. */
  readonly acknowledgements: number
  readonly acknowledgementType: Acknowledgement
}

export interface ClientRecord {
  readonly sender: SenderRecord
  /** Tells the promises and timers of the client who it is now. By reference. */
  readonly seat: { client: unknown }
  readonly phase: Phase
  readonly since: ConnectedSince
  readonly watch: Standing
  readonly identity: Identity
  readonly owner: string | undefined
  /** The name of the authenticator. */
  readonly authenticatedBy: string | undefined
  /** When its authentication ends, on the clock of the broker; undefined for never. */
  readonly expiresAtMs: number | undefined
  readonly session: ClientSession | undefined
  /** The broker that the session belongs to. */
  readonly broker: ClientBroker
  readonly rate: RateRecord | undefined
  readonly terms: Terms
  readonly askedForSession: boolean
  readonly versionRefused: boolean
  readonly wantsReasons: boolean
  /** Its CONNECT came, and it counts towards `maximumConnecting`. */
  readonly isConnecting: boolean
  /** Why it is not read: bits of `Pause`. */
  readonly pauses: number
  readonly gate: GateRecord
  readonly incomingAliases: IncomingAliasesRecord | undefined
  readonly unanswered: number
  readonly refusals: ReadonlySet<string> | undefined
  readonly authentication: AuthenticationRecord | undefined
  readonly awaited: AwaitedRecord | undefined
  readonly check: CheckRecord | undefined
  readonly filters: FiltersRecord | undefined
  readonly late: readonly LateRecord[]
}

/** What is known of a connection since its CONNECT was accepted. */
export interface ConnectedSince {
  /** In milliseconds since 1970. */
  readonly atMs: number
  /** 0 is none. */
  readonly keepAliveSeconds: number
  /** The silence that the client is allowed. */
  readonly silenceLimitMs: number
}

export const NOT_CONNECTED: ConnectedSince = Object.freeze({ atMs: 0, keepAliveSeconds: 0, silenceLimitMs: 0 })

/** Of the part that sends messages. */
export interface SenderRecord {
  readonly outgoingAliases: OutgoingAliasesRecord | undefined
  /** Messages at QoS 0 are dropped now. */
  readonly dropping: boolean
}

/** The limits of what a client publishes. Its buckets are found by name. */
export interface RateRecord {
  readonly untilMs: number
  readonly isOfUser: boolean
  /** It is not read now. */
  readonly isSlowed: boolean
}

/** Answers that wait for the store. */
export interface GateRecord {
  readonly waiting: readonly WaitingAnswer[]
  readonly resumedBatch: number
}

export interface WaitingAnswer {
  readonly packet: ControlPacket
  /** The batch that must be durable first. */
  readonly batch: number
  readonly then: AfterAnswer | undefined
}

/** The effect of sending an answer: the client is connected, or one message less is unanswered. */
export type AfterAnswer = 'connected' | 'answered'

/** An enhanced authentication. */
export interface AuthenticationRecord {
  /** The method that began it. */
  readonly method: AuthenticationMethod
  /** Undefined once the client is accepted. */
  readonly request: ConnectRequest | undefined
  /** The exchange under way. It goes on even if its method is replaced. */
  readonly exchange: AuthenticationExchange | undefined
}

/** An answer that a client waits for. */
export interface AwaitedRecord {
  readonly promise: Promise<unknown>
  readonly deadline: NodeJS.Timeout
  readonly purpose: PurposeRecord
}

/** What an answer leads to. */
export type PurposeRecord =
  | {
      readonly type: 'claim'
      readonly request: ConnectRequest
      readonly authenticationData: Uint8Array | undefined
    }
  | { readonly type: 'authentication' }

/** A check of a user name and a password that waits for an authenticator. */
export interface CheckRecord {
  readonly request: ConnectRequest
  /** The names of the authenticators, in the order in which they are asked. */
  readonly names: readonly string[]
  /** By reference: the password is overwritten when the check ends. */
  readonly credentials: Credentials
  /** The one that is asked, by its index. */
  readonly current: number
  readonly revision: number
  readonly deadline: NodeJS.Timeout
}

/** A packet of many Topic Filters that is handled over turns. */
export interface FiltersRecord {
  readonly packet: FilterPacketRecord
  /** Reason Codes of those that are handled. */
  readonly codes: readonly ReasonCode[]
  readonly batch: number | undefined
}

export type FilterPacketRecord =
  | {
      readonly type: 'subscribe'
      readonly messageId: number
      readonly requests: readonly ISubscription[]
      /** Subscription Identifier; 0 for none. */
      readonly identifier: number
      /** Reason Strings so far. */
      readonly reasons: readonly string[]
    }
  | { readonly type: 'unsubscribe'; readonly messageId: number; readonly requests: readonly string[] }

/** A message of the client that is delivered over several turns, and answered then. */
export interface LateRecord {
  readonly port: LatePort
  readonly qos: QoS
  readonly messageId: number
  /** At QoS 2, a hash that identifies its content. */
  readonly content: number | undefined
  /** Whether the answer depends on what was appended to the journal when the packet came. */
  readonly depends: boolean
}
