import type { TimerWheel } from '../../src/collections/timer-wheel.ts'
import type { AuthenticationMethod } from '../../src/kinds/authentication-method.ts'
import type { AuthenticationAnswer } from '../../src/kinds/authenticator.ts'
import type { ClientBroker } from '../../src/kinds/client-broker.ts'
import type { ClientSession } from '../../src/kinds/client-session.ts'
import type { ListenerOptions } from '../../src/kinds/listener-options.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { AuthenticationExpiry } from './authentication-expiry.ts'
import type { Authenticators } from './authenticators.ts'
import type { ClientLog } from './client-log.ts'
import type { AuthenticationRecord, CheckRecord, ClientRecord, FiltersRecord, LateRecord } from './client-record.ts'
import type { HandlerConfig } from './config.ts'
import type { Connecting } from './connecting.ts'
import type { PublishRates } from './publish-rate.ts'
import type { PublishSenderContext } from './publish-sender.ts'
import type { Terms } from './terms.ts'
import type { UserConnections } from './user-connections.ts'

/** The part of the handler that all clients use. A reset may replace what is in its fields. @typeParam C the client. */
export interface ClientContext<C extends { owner: string | undefined; id: string | undefined }>
  extends PublishSenderContext {
  readonly config: HandlerConfig
  readonly broker: ClientBroker
  readonly log: Logger
  readonly clientLog: ClientLog
  /** By their names. */
  readonly authenticationMethods: ReadonlyMap<string, AuthenticationMethod>
  readonly authenticators: Authenticators
  readonly authenticationExpiry: AuthenticationExpiry
  /** Watches each client for its CONNECT packet, then for silence. */
  readonly keepAlive: TimerWheel<C>
  /** Clients whose CONNECT came, and which are not accepted yet. */
  readonly connecting: Connecting<C>
  /** The connected clients of each user. */
  readonly userConnections: UserConnections<C>
  readonly rates: PublishRates
  /** The answers to messages that are still being delivered, although their clients have gone. */
  readonly lateAnswers: Set<ClientLateAnswer>
  /** The terms for clients of this listener that connect now. */
  currentTerms(listener: ListenerOptions): Terms
  /** The connection of this client has ended. */
  ended(client: C): void
  /** The client is accepted, and may be silent for as long as its Keep Alive says. */
  accepted(client: C): void
  /** This object is in the place of the client now. */
  continues(client: C, handed: ClientRecord): void
  /** Another object is in the place of the client: forgets this one, and ends nothing. */
  left(client: C): void
}

/** The check of the user name and password of one client. */
export interface ClientCheck {
  /** The connection has ended. */
  abandon(): void
  /** An answer that was awaited. No effect if another authenticator is asked by now. @param index of the authenticator. */
  answered(index: number, answer: AuthenticationAnswer): void
  /** It threw or rejected. */
  failed(index: number, error: unknown): void
  /** No answer within `connectDeadlineMs`. */
  expired(): void
  /** Undefined if it does not wait. */
  handOver(): CheckRecord | undefined
  /** It continues the check of another one. */
  continues(): void
  /** Another one continues it. */
  left(): void
}

/** The enhanced authentication of one client. */
export interface ClientAuthentication {
  /** The name of the method, which every AUTH packet repeats [MQTT-4.12.0-5]. */
  readonly method: string
  /** Whether an exchange is in progress. */
  readonly underWay: boolean
  /** Takes the next packet of the exchange. */
  step(data: Uint8Array | undefined): void
  /** Begins a re-authentication. */
  reauthenticate(data: Uint8Array | undefined): void
  handOver(): AuthenticationRecord
}

/** A packet of the client that is handled over several turns. */
export interface ClientWork {
  resume(): void
  handOver(): FiltersRecord
}

/** The answer to a message that is delivered over several turns. */
export interface ClientLateAnswer {
  readonly record: LateRecord
  /** For the handler that continues, if the connection has ended. */
  handOverEnded(broker: ClientBroker): EndedLateRecord
  /** The broker reports to it again. */
  takeBack(): void
}

/** A message that is still being delivered although the connection that sent it has ended. */
export interface EndedLateRecord extends LateRecord {
  readonly session: ClientSession
  /** The broker that the session belongs to. */
  readonly broker: ClientBroker
  readonly isVersion5: boolean
}
