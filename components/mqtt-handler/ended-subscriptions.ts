import type { Message } from '../../src/mqtt/message.ts'
import type { MqttHandler } from './mqtt-handler.ts'
import type { Session } from './session.ts'
import { subscriptionCost, unsubscribeUnits } from './subscription-cost.ts'
import { TurnQueue } from './turn-queue.ts'

/**
 * Removes the subscriptions of sessions that have ended from the router: over turns of the event loop, since there may be a
 * million. A session that has ended takes no messages meanwhile. Its subscriptions count in `Totals.subscriptionBytes` until
 * they are removed.
 */
export class EndedSubscriptions {
  readonly #handler: MqttHandler
  readonly #queue: TurnQueue<Removal>
  /** A message is being passed on: the next session that has ended and was chosen for it. */
  #passing = false
  #next: Session | undefined

  constructor(handler: MqttHandler) {
    this.#handler = handler
    this.#queue = new TurnQueue('subscriptions', handler.scheduler, handler.log, (removal) => this.#removeNext(removal))
  }

  /** Sessions that have ended and still have subscriptions in the router. */
  get count(): number {
    return this.#queue.size
  }

  /** Removes the subscriptions of a session that has ended, now or in later turns. */
  add(session: Session): void {
    if (session.subscriptions.size > 0) this.#queue.add({ session, filters: session.subscriptions.keys() })
  }

  /**
   * Passes a message of a Shared Subscription on to another member, since the session that was chosen has ended. That session
   * leaves the Shared Subscription now. The other member may have ended as well: then the message goes on from there.
   * @param message lent.
   * @param shared the filter of the Shared Subscription.
   */
  passOn(message: Message, shared: string, session: Session): void {
    this.#next = session
    // The call below has come to a session that has ended: the loop goes on with it. There may be too many for the stack.
    if (this.#passing) return
    this.#passing = true
    const { router } = this.#handler
    try {
      for (let gone: Session | undefined = session; gone !== undefined; gone = this.#next) {
        this.#next = undefined
        router.unsubscribe(gone, shared)
        router.redeliver(message, shared, gone)
      }
    } finally {
      this.#passing = false
      this.#next = undefined
    }
  }

  /** Removes all of them now. */
  drain(): void {
    this.#queue.drain()
  }

  #removeNext({ session, filters }: Removal): boolean {
    const { router, totals, scheduler } = this.#handler
    const next = filters.next()
    if (next.done === true) {
      session.subscriptions.clear()
      return false
    }
    const filter = next.value
    scheduler.spend(unsubscribeUnits(filter))
    totals.subscriptionBytes -= subscriptionCost(filter)
    router.unsubscribe(session, filter)
    return true
  }
}

interface Removal {
  readonly session: Session
  /** Those that are yet to be removed. */
  readonly filters: Iterator<string>
}
