import type { Logger } from '../../src/kinds/logger.ts'
import type { Payer, TurnScheduler } from '../../src/kinds/turn-scheduler.ts'
import type { BrokerCounters } from './counters.ts'
import type { Session } from './session.ts'
import { TurnQueue } from './turn-queue.ts'
import { couldRead } from './unreadable-store.ts'

/** Units of work of a session whose messages cannot be read. */
const UNREAD_UNITS = 50

/** The parts of the broker that the expiry of sessions uses. */
export interface ExpiredSessionsContext {
  readonly scheduler: TurnScheduler & { readonly payer: Payer }
  readonly counters: BrokerCounters
  readonly sessions: { end(session: Session, payer: Payer): void }
  readonly log: Logger
}

/**
 * Sessions whose Session Expiry Interval is over. They end in their order, over several turns of the event loop. One whose messages cannot
 * be read from the store at present ends at a later tick. Its client gets a new session in any case.
 */
export class ExpiredSessions {
  readonly #broker: ExpiredSessionsContext
  readonly #queue: TurnQueue<Session>
  /** Those whose messages could not be read. */
  readonly #unread = new Set<Session>()

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
    this.#queue.add(session)
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

  /** Tries those again whose messages could not be read. Called at each tick. */
  retry(): void {
    if (this.#unread.size === 0) return
    const unread = [...this.#unread]
    this.#unread.clear()
    for (const session of unread) this.#queue.add(session)
  }

  #end(session: Session): false {
    const { counters, scheduler, sessions } = this.#broker
    const hasEnded = couldRead(() => sessions.end(session, scheduler.payer)) // [MQTT-4.1.0-2]
    if (hasEnded) counters.expiredSessions += 1
    else {
      scheduler.spend(UNREAD_UNITS)
      this.#unread.add(session)
    }
    return false
  }
}
