import type { Logger } from '../../src/kinds/logger.ts'
import type { Payer, TurnScheduler } from '../../src/kinds/turn-scheduler.ts'
import type { BrokerCounters } from './counters.ts'
import type { Session } from './session.ts'
import { TurnQueue } from './turn-queue.ts'
import { couldRead, FAILED_READ_UNITS } from './unreadable-store.ts'

/** The parts of the broker that the expiry of sessions uses. */
export interface ExpiredSessionsContext {
  readonly scheduler: TurnScheduler & { readonly payer: Payer }
  readonly counters: BrokerCounters
  readonly sessions: { end(session: Session, payer: Payer): void }
  readonly log: Logger
}

/**
 * Sessions whose Session Expiry Interval is over. They end in their order, over several turns of the event loop. If the messages of
 * a session cannot be read from the store at present, the session ends at a later tick. One of these sessions is tried at each tick, and
 * the others follow when it has ended. A client whose session has expired never resumes it: the client gets a new session, or is refused
 * while the store cannot be read.
 */
export class ExpiredSessions {
  readonly #broker: ExpiredSessionsContext
  readonly #queue: TurnQueue<Session>
  /** Those whose messages could not be read. */
  readonly #unread = new Set<Session>()
  /** The one of them that was tried again last. */
  #tried: Session | undefined

  constructor(broker: ExpiredSessionsContext) {
    this.#broker = broker
    const { scheduler, log } = broker
    this.#queue = new TurnQueue('session expiry', scheduler, log, (session) => this.#end(session))
  }

  get size(): number {
    return this.#queue.size + this.#unread.size
  }

  has(session: Session): boolean {
    return this.#queue.has(session) || this.#unread.has(session)
  }

  add(session: Session): void {
    if (!this.#unread.has(session)) this.#queue.add(session)
  }

  /** Its messages could not be read just now: it ends at a later tick. */
  addUnread(session: Session): void {
    this.#unread.add(session)
  }

  /** It has ended, or another one handles it. */
  delete(session: Session): void {
    this.#queue.delete(session)
    this.#unread.delete(session)
  }

  /** In their order, for a successor. */
  get items(): readonly Session[] {
    return [...this.#unread, ...this.#queue.items]
  }

  /** Those of the predecessor, at a reset: they end in later turns. */
  takeOver(sessions: readonly Session[]): void {
    this.#queue.takeOver(sessions)
  }

  /** Tries one of those again whose messages could not be read. Called at each tick. */
  retry(): void {
    const [first] = this.#unread
    if (first === undefined) return
    this.#unread.delete(first)
    this.#tried = first
    this.#queue.add(first)
  }

  #end(session: Session): false {
    const { counters, scheduler, sessions } = this.#broker
    const hasEnded = couldRead(() => sessions.end(session, scheduler.payer)) // [MQTT-4.1.0-2]
    if (hasEnded) {
      counters.expiredSessions += 1
      if (session === this.#tried) this.#addRest()
    } else {
      scheduler.spend(FAILED_READ_UNITS)
      this.#unread.add(session)
    }
    return false
  }

  /** The store can be read again. */
  #addRest(): void {
    for (const session of this.#unread) this.#queue.add(session)
    this.#unread.clear()
    this.#tried = undefined
  }
}
