import type { Logger } from '../../src/kinds/logger.ts'
import type { Router } from '../../src/kinds/router.ts'
import type { TurnScheduler } from '../../src/kinds/turn-scheduler.ts'
import { type DeliveryResult, refusedDelivery } from '../../src/mqtt/delivery-result.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { Gauges } from './gauges.ts'
import type { Outgoing } from './outgoing.ts'
import type { Session } from './session.ts'
import { subscriptionCost, unsubscribeUnits } from './subscription-cost.ts'
import { TurnQueue } from './turn-queue.ts'
import type { UserAccounts } from './user-quotas.ts'

/** The parts of the broker that the end of sessions uses. */
export interface EndedSessionsContext {
  readonly router: Router
  readonly scheduler: TurnScheduler
  readonly gauges: Gauges
  readonly quotas: UserAccounts
  readonly log: Logger
  /** Milliseconds since 1970. */
  now(): number
}

/** Units of work that it costs to release a message that waits for a session. */
const MESSAGE_UNITS = 5

/**
 * Releases the messages and subscriptions of ended sessions, over several turns of the event loop, since there may be a
 * million. An ended session takes no messages. Its messages and subscriptions count in `Gauges` until they are released.
 */
export class EndedSessions {
  readonly #broker: EndedSessionsContext
  readonly #queue: TurnQueue<HandedEnd<Session>>
  /** A message is being passed on: the next session that has ended and was chosen for it. */
  #passing = false
  #next: Session | undefined

  constructor(broker: EndedSessionsContext) {
    this.#broker = broker
    this.#queue = new TurnQueue('ended sessions', broker.scheduler, broker.log, (ended) => this.#releaseNext(ended))
  }

  /** Sessions that have ended and still hold something. */
  get count(): number {
    return this.#queue.size
  }

  /** Sessions that have ended and still hold something, in their order, for a successor. */
  handOver(): readonly HandedEnd<Session>[] {
    return this.#queue.items.map(({ session, holdsMessages, filters }) => ({ session, holdsMessages, filters }))
  }

  /** Those of the predecessor, at a reset. The filters that are left go by reference. */
  takeOver<S>(ended: readonly HandedEnd<S>[], successorOf: (session: S) => Session): void {
    this.#queue.takeOver(ended.map((each) => ({ ...each, session: successorOf(each.session) })))
  }

  /** Releases the messages and subscriptions of an ended session, now or in later turns. */
  add(session: Session): void {
    const { outbox, subscriptions } = session
    const holdsMessages = outbox.waiting + outbox.inflight > 0
    if (!holdsMessages && subscriptions.size === 0) {
      this.#broker.quotas.release(session.quota)
      return
    }
    this.#queue.add({ session, holdsMessages, filters: subscriptions.keys() })
  }

  /**
   * Passes a message of a Shared Subscription on to another member, since the session that was chosen has ended. That session
   * leaves the Shared Subscription now. If the other member has ended as well, the message goes to a further member.
   * @param message lent.
   * @param shared the filter of the Shared Subscription.
   * @returns the result of the member that got it, with all of the work.
   */
  passOn(message: Message, shared: string, session: Session): DeliveryResult {
    this.#next = session
    // The call below has reached another session that has ended. The loop continues with it, since recursion could overflow.
    if (this.#passing) return 0
    this.#passing = true
    const { router } = this.#broker
    let work = 0
    let isRefused = false
    try {
      for (let gone: Session | undefined = session; gone !== undefined; gone = this.#next) {
        this.#next = undefined
        router.unsubscribe(gone, shared)
        const result = router.redeliver(message, shared, gone)
        work += unsubscribeUnits(shared) + result.work
        isRefused = result.refused > 0
      }
    } finally {
      this.#passing = false
      this.#next = undefined
    }
    return isRefused ? refusedDelivery(work) : work
  }

  /** Messages of a session that has ended go to other members of Shared Subscriptions. */
  redeliver(messages: readonly Outgoing[], session: Session): void {
    const nowMs = this.#broker.now()
    for (const { message, shared } of messages) {
      // Another member has got nothing of it yet [MQTT-3.3.2-5].
      if (message!.expiresAtMs > nowMs) this.#broker.router.redeliver(message!, shared!, session)
    }
  }

  /** Releases all of it now. */
  drain(): void {
    this.#queue.drain()
  }

  #releaseNext(ended: HandedEnd<Session>): boolean {
    const { router, gauges, scheduler } = this.#broker
    const { session, filters } = ended
    if (ended.holdsMessages) {
      ended.holdsMessages = false
      scheduler.spend((session.outbox.waiting + session.outbox.inflight) * MESSAGE_UNITS)
      this.redeliver(session.outbox.end(), session)
      return true
    }
    const next = filters.next()
    if (next.done === true) {
      session.filters.forget()
      this.#broker.quotas.release(session.quota)
      return false
    }
    const filter = next.value
    scheduler.spend(unsubscribeUnits(filter))
    gauges.subscriptionBytes -= subscriptionCost(filter)
    session.quota.subscriptionBytes -= subscriptionCost(filter)
    router.unsubscribe(session, filter)
    return true
  }
}

/** @typeParam S the sessions of its generation of the code. */
export interface HandedEnd<S> {
  readonly session: S
  /** Whether its messages are not released yet. */
  holdsMessages: boolean
  /** The filters of subscriptions that are not removed yet. */
  readonly filters: Iterator<string>
}
