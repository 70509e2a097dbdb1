import type { PendingPublication } from '../../src/kinds/client-session.ts'
import type { ReasonCode } from '../../src/mqtt/reason-code.ts'

/** Answers a message that was delivered over several turns. */
export interface Finisher {
  /** All subscribers have the message. @param reason for the answer. */
  finished(reason: ReasonCode, publication: PendingPublication): void
}

/** Where the broker reports that a message was delivered. A reset puts another object there; the broker keeps the port. */
export interface LatePort {
  to: Finisher | undefined
}
