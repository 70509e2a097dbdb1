import type { Logger } from '../../src/kinds/logger.ts'
import type { Router } from '../../src/kinds/router.ts'
import type { QueuedMessage } from '../../src/kinds/store.ts'
import type { TurnScheduler, TurnTask } from '../../src/kinds/turn-scheduler.ts'
import { deliveryOf } from '../../src/mqtt/delivery.ts'
import type { Session } from './session.ts'
import { FAILED_READ_UNITS, UnreadableStore } from './unreadable-store.ts'

/** The parts of the broker that waiting messages of Shared Subscriptions use. */
export interface SharedBacklogsContext {
  readonly router: Router
  readonly scheduler: TurnScheduler
  readonly log: Logger
}

/** Messages that are read from the store at a time. */
const PAGE = 16

/** The work of moving one message, in units: it enters one queue, or is sent, and leaves another. */
const MOVED_UNITS = 25

/**
 * Messages at QoS 1 and 2 that wait for any member of a Shared Subscription. A message waits in the queue of one member, its
 * holder, in the store. The holder got it while no member was connected, or its client disconnected before it was sent. Such a
 * message goes to a connected member when the client of the holder disconnects, or to a member that connects, subscribes or has
 * acknowledged everything. A message that was sent stays with its member [MQTT-4.8.2-4] [MQTT-4.8.2-5].
 *
 * A message moves when another member has room for it in flight, never into a queue. It enters the store for its new member
 * and leaves the queue of the holder in one batch, so a crash loses no message. While the store cannot be read, the
 * messages of one Shared Subscription are tried at each tick. When they can be read, all of them are offered to all members.
 */
export class SharedBacklogs implements TurnTask {
  readonly #broker: SharedBacklogsContext
  /** By the filters of the Shared Subscriptions: sessions without clients that may hold messages, see `Holders`. */
  readonly #holders = new Map<string, Holders>()
  /** Members that can take messages. */
  readonly #taking = new Set<Session>()
  /** Shared Subscriptions whose messages are offered to all members. */
  readonly #offered = new Set<string>()
  /** Shared Subscriptions whose messages could not be read from the store. */
  readonly #unread = new Set<string>()
  /** The one of them that was tried again last. */
  #tried: string | undefined

  constructor(broker: SharedBacklogsContext) {
    this.#broker = broker
  }

  /** Changes nothing. */
  handOver(): BacklogsState<Session> {
    return {
      holders: Array.from(this.#holders, ([filter, holders]) => [filter, [...holders]]),
      taking: [...this.#taking],
      offered: [...this.#offered, ...this.#unread],
      isQueued: this.#broker.scheduler.isQueued(this) || this.#unread.size > 0,
    }
  }

  /** Those of the predecessor, at a reset. They move in later turns. */
  takeOver<S>({ holders, taking, offered, isQueued }: BacklogsState<S>, successorOf: (session: S) => Session): void {
    for (const [filter, sessions] of holders) {
      this.#holders.set(filter, new Map(sessions.map(([session, after]) => [successorOf(session), after])))
    }
    for (const session of taking) this.#taking.add(successorOf(session))
    for (const filter of offered) this.#offered.add(filter)
    if (isQueued) this.#broker.scheduler.later(this)
  }

  /** Shared Subscriptions for which something may wait. */
  get count(): number {
    return this.#holders.size
  }

  /** The client of a session has gone: other members may get the messages that were not sent to it. */
  add(session: Session): void {
    if (session.shared === undefined || session.outbox.waiting === 0) return
    for (const filter of session.shared) this.#holdersOf(filter).set(session, 0)
  }

  /** Offers to all members what the session may hold. */
  offer(session: Session): void {
    for (const filter of session.shared ?? []) if (this.#mayMove(filter)) this.#offered.add(filter)
    if (this.#offered.size > 0) this.resume()
  }

  /**
   * A session without a client was given a message.
   * @param after the sequence number up to which no message in its queue is for this Shared Subscription.
   */
  waits(session: Session, filter: string, after: number): void {
    const holders = this.#holdersOf(filter)
    if (!holders.has(session)) holders.set(session, after)
  }

  /** The session has a client, or has ended: what is in its queue is its own again. */
  remove(session: Session): void {
    this.#taking.delete(session)
    if (this.#holders.size === 0) return
    for (const filter of session.shared ?? []) this.#forget(filter, session)
  }

  /** A member can take messages. */
  pull(session: Session): void {
    if (this.#holders.size === 0 || session.shared === undefined) return
    this.#taking.add(session)
    this.resume()
  }

  /** Tries one of those again whose messages could not be read. Called at each tick. */
  retry(): void {
    const [first] = this.#unread
    if (first === undefined) return
    this.#unread.delete(first)
    this.#tried = first
    this.#offered.add(first)
    this.resume()
  }

  resume(): void {
    const { scheduler } = this.#broker
    for (const filter of this.#offered) {
      while (this.#holders.has(filter)) {
        if (!scheduler.mayGoOn(this)) return
        if (!this.#move(filter, (queued, holder) => this.#offer(queued, filter, holder))) break
      }
      this.#offered.delete(filter)
      if (filter === this.#tried && !this.#unread.has(filter)) this.#offerRest()
    }
    for (const session of this.#taking) {
      for (const filter of session.shared ?? []) {
        while (session.takes(1) && this.#mayMove(filter)) {
          if (!scheduler.mayGoOn(this)) return
          if (!this.#move(filter, (queued) => this.#give(queued, filter, session))) break
        }
      }
      this.#taking.delete(session)
    }
  }

  /** The store can be read again. */
  #offerRest(): void {
    for (const filter of this.#unread) this.#offered.add(filter)
    this.#unread.clear()
    this.#tried = undefined
  }

  /** Whether something may wait for this Shared Subscription, and can be read as far as is known. */
  #mayMove(filter: string): boolean {
    return this.#holders.has(filter) && !this.#unread.has(filter)
  }

  /** Moves some messages of one holder. @returns false when one of them was not taken, or when that has failed. */
  #move(filter: string, take: (queued: QueuedMessage, holder: Session) => boolean): boolean {
    try {
      return this.#movePage(filter, take)
    } catch (error) {
      if (error instanceof UnreadableStore) {
        this.#broker.scheduler.spend(FAILED_READ_UNITS)
        this.#unread.add(filter)
        return false
      }
      // An error at the other member must not affect the member whose client has gone.
      this.#broker.log.error(
        { err: error, filter },
        'A message of a Shared Subscription was not moved to another member',
      )
      return false
    }
  }

  #movePage(filter: string, take: (queued: QueuedMessage, holder: Session) => boolean): boolean {
    const { scheduler } = this.#broker
    const holders = this.#holders.get(filter)!
    const [holder, after] = holders.entries().next().value!
    scheduler.spend(1)
    const page = holder.outbox.waitingMessages.read(after, PAGE)
    scheduler.spend(page.length)
    if (page.length === 0) this.#forget(filter, holder)
    for (const queued of page) {
      // What was sent stays with this member, and so does what is its own.
      if (queued.shared === filter && queued.packetIdentifier === 0) {
        scheduler.spend(MOVED_UNITS)
        if (!holder.outbox.waitingMessages.handOver(queued, () => take(queued, holder))) return false
      }
      holders.set(holder, queued.sequence)
    }
    return true
  }

  /** To any member that can send it now. */
  #offer({ message }: QueuedMessage, filter: string, holder: Session): boolean {
    const { router, scheduler } = this.#broker
    const { subscribers, work } = router.redeliver(message, filter, holder, true)
    scheduler.spend(work)
    return subscribers > 0
  }

  /** To this member. */
  #give({ message }: QueuedMessage, filter: string, session: Session): boolean {
    const subscription = session.subscriptions.get(filter)
    // What it may not receive waits for another member.
    if (subscription === undefined || !session.takes(1) || !session.mayReceive(message)) return false
    session.deliver(message, deliveryOf(subscription, filter))
    return true
  }

  #holdersOf(filter: string): Holders {
    let holders = this.#holders.get(filter)
    if (holders === undefined) {
      holders = new Map()
      this.#holders.set(filter, holders)
    }
    return holders
  }

  #forget(filter: string, session: Session): void {
    const holders = this.#holders.get(filter)
    holders?.delete(session)
    if (holders?.size !== 0) return
    this.#holders.delete(filter)
    this.#unread.delete(filter)
  }
}

/** For each session, the sequence number up to which no message in its queue is for this Shared Subscription. */
type Holders = Map<Session, number>

/** What goes to the successor at a reset. @typeParam S the sessions of its generation of the code. */
export interface BacklogsState<S> {
  readonly holders: readonly (readonly [string, readonly (readonly [S, number])[]])[]
  readonly taking: readonly S[]
  readonly offered: readonly string[]
  readonly isQueued: boolean
}
