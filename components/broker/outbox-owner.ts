import type { QueueContext, QueueOwner } from './waiting-messages.ts'

/** The parts of the broker that an outbox uses. */
export interface OutboxContext extends QueueContext {
  /** `now()` at the last tick. */
  readonly recentMs: number
}

/** The session whose outbox it is. */
export interface OutboxOwner extends QueueOwner {
  /** A message waits until the store is durable. Then `Outbox.release` must be called. */
  awaitStore(): void
  /** All waiting messages were sent: there is room for messages of Shared Subscriptions. */
  nothingWaits(): void
}
