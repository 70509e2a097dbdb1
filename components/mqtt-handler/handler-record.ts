import type { Authenticator } from '../../src/kinds/authenticator.ts'
import type { AuthenticatorNumbers } from './authenticators.ts'
import type { EndedLateRecord } from './client-context.ts'
import type { ClientLogRecord } from './client-log.ts'
import type { HandlerCounters } from './counters.ts'
import type { PublishRatesRecord } from './publish-rate.ts'

/**
 * Who the handler is now. A reset puts another one there; functions that others keep find it here. By reference.
 */
export interface HandlerSeat {
  to: RevocationListener
  /** The authenticators that tell `to` of revocations, each with a function that ends this. */
  readonly registered: Map<Authenticator, () => void>
}

export interface RevocationListener {
  /** Something was revoked: clients of this authenticator may have lost their right to be connected. */
  revoked(authenticator: Authenticator): void
}

/** The state of a handler apart from its clients, in plain data, for the one that continues. */
export interface HandlerRecord {
  readonly seat: HandlerSeat
  readonly counters: HandlerCounters
  readonly clientLog: ClientLogRecord
  readonly authenticators: readonly AuthenticatorNumbers[]
  /** The names of the authenticators whose clients are being checked, since something was revoked. */
  readonly revoking: readonly string[]
  readonly rates: PublishRatesRecord
  /** The time on the clock of the watches for silence. */
  readonly keepAliveMs: number
  /** Messages that are still being delivered although the connections that sent them have ended. */
  readonly lateAnswers: readonly EndedLateRecord[]
}
