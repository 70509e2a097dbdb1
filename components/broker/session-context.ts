import type { TimerWheel } from '../../src/collections/timer-wheel.ts'
import type { PublishOutcome } from '../../src/kinds/client-session.ts'
import type { Router } from '../../src/kinds/router.ts'
import type { Payer } from '../../src/kinds/turn-scheduler.ts'
import type { DeliveryResult } from '../../src/mqtt/delivery-result.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import type { OutboxContext } from './outbox-owner.ts'
import type { Outgoing } from './outgoing.ts'
import type { RetainedSenderContext } from './retained-sender.ts'
import type { SubscriptionsContext } from './session-subscriptions.ts'
import type { UserQuotas } from './user-quotas.ts'

/** The parts of the broker that a session uses. */
export interface SessionContext<Session> extends OutboxContext, RetainedSenderContext, SubscriptionsContext {
  readonly router: Router
  readonly quotas: UserQuotas<Session>
  readonly sessions: {
    /** Reports sessions whose Session Expiry Interval is over. */
    readonly expiry: TimerWheel<Session>
    /** Reports sessions whose Will Delay Interval is over. */
    readonly willDelay: TimerWheel<Session>
    /** The sessions with a client, and those without. */
    readonly connected: Set<Session>
    readonly away: { add(session: Session): void; delete(session: Session): void }
    end(session: Session): void
  }
  readonly publishing: {
    publish(message: Message, publisher: Session, told: boolean, payer?: Payer): PublishOutcome
    publishRun(run: PublishRun, publisher: Session): boolean
    publishAcknowledgedRun(run: PublishRun, publisher: Session): Uint8Array | undefined
    /** Whether an earlier message of this client is still being delivered. */
    isBusy(clientId: string): boolean
  }
  readonly sharedBacklogs: {
    add(session: Session): void
    offer(session: Session): void
    waits(session: Session, filter: string, after: number): void
    remove(session: Session): void
    pull(session: Session): void
  }
  readonly wills: { add(session: Session): void }
  readonly expiredSessions: { addUnread(session: Session): void }
  readonly revocation: { recheck(session: Session): void }
  readonly endedSessions: {
    add(session: Session): void
    redeliver(messages: readonly Outgoing[], session: Session): void
    passOn(message: Message, shared: string, session: Session): DeliveryResult
  }
  awaitStore(session: Session): void
}
