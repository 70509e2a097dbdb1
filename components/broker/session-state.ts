import type { Identity } from '../../src/kinds/authorizer.ts'
import type { Recipient } from '../../src/kinds/recipient.ts'
import { continuedOutbox, type OutboxState } from './outbox-state.ts'
import type { OwnCopyState } from './own-copy.ts'
import type { RetainedSenderState } from './retained-sender.ts'
import type { ExpiryState } from './session-expiry.ts'
import type { SubscriptionsState } from './session-subscriptions.ts'
import type { UnreleasedState } from './unreleased-messages.ts'
import type { WillState } from './will.ts'

/** What a session begins with. */
export interface SessionStart {
  readonly id: string
  /** The authenticated user that owns it; undefined without authentication. */
  readonly owner: string | undefined
  readonly identity: Identity
}

/** What one session hands over to its successor at a reset: a flat record whose containers go by reference. */
export interface SessionState extends SessionStart {
  /** The handler tells the successor if it has another one, see `ClientSession.continueWith`. */
  readonly recipient: Recipient | undefined
  readonly storedBatch: number | undefined
  readonly ended: boolean
  readonly subscriptions: SubscriptionsState
  readonly outbox: OutboxState
  readonly unreleased: UnreleasedState
  readonly expiry: ExpiryState
  readonly will: WillState
  readonly ownCopy: OwnCopyState | undefined
  readonly retained: RetainedSenderState | undefined
}

/** The state in the classes of this generation of the code. */
export const continuedSession = (before: SessionState): SessionState => ({
  ...before,
  outbox: continuedOutbox(before.outbox),
})
