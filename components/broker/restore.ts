import { setImmediate as nextTurn } from 'node:timers/promises'
import { counted } from '../../src/collections/counted.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { StoredSession, StoredState } from '../../src/kinds/store.ts'
import type { TurnScheduler } from '../../src/kinds/turn-scheduler.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { Retained } from './retained.ts'
import type { Session } from './session.ts'
import type { Sessions } from './sessions.ts'
import { UNITS_PER_TURN } from './turn-scheduler.ts'

/** Pages of retained messages that the start waits for: a store with few of them is restored when the broker has started. */
const PAGES_AT_START = 10

// Units of work: a session is restored, beside each of its subscriptions, and begins to wait for its client; a message is
// retained.
const SESSION_UNITS = 50
const SUBSCRIPTION_UNITS = 10
const WAITING_UNITS = 10
const RETAINED_UNITS = 10

/** The parts of the broker that are restored. */
export interface RestoreContext {
  readonly journal: { restore(): StoredState }
  readonly retained: Retained
  readonly sessions: Sessions
  readonly scheduler: TurnScheduler
  readonly log: Logger
}

/**
 * Restores the state of the store, divided over turns of the event loop: first all sessions, since messages for them may come
 * from the first client on, then the retained messages. Clients are served while most of these are read: a client with a new
 * subscription waits for its retained messages, and a message that is retained meanwhile wins over the stored one.
 */
export class Restore {
  readonly #broker: RestoreContext
  #stopped = false
  #retained = 0

  /** Resolves when nothing more is restored. */
  finished: Promise<void> = Promise.resolve()

  constructor(broker: RestoreContext) {
    this.#broker = broker
  }

  /** Resolves when clients can be served. Rejects if the sessions, or the first retained messages, cannot be read. */
  async begin(): Promise<void> {
    const { journal, retained } = this.#broker
    const stored = journal.restore()
    await this.#restoreSessions(stored.sessions)
    retained.restoring()
    const pages = stored.retained[Symbol.asyncIterator]()
    for (let page = 0; page < PAGES_AT_START; page += 1) if (!(await this.#nextPage(pages))) return
    this.finished = this.#goOn(pages)
  }

  /** Restores nothing more. `finished` resolves after the page that is being read. */
  stop(): void {
    this.#stopped = true
  }

  async #restoreSessions(pages: AsyncIterable<readonly StoredSession[]>): Promise<void> {
    const { sessions, log } = this.#broker
    const turn = new Turn()
    const restored: Session[] = []
    for await (const page of pages) {
      for (const stored of page) {
        restored.push(sessions.restore(stored))
        await turn.spend(SESSION_UNITS + stored.subscriptions.length * SUBSCRIPTION_UNITS)
      }
    }
    // Only now may anything be written, and Wills that are due reach all subscribers. The sessions that are away longest are the
    // first to end early.
    for (const session of restored.sort(byDisconnection)) {
      session.awaitClientAgain()
      await turn.spend(WAITING_UNITS)
    }
    if (restored.length > 0) log.info({ sessions: restored.length }, `${counted(restored.length, 'session')} restored`)
  }

  async #goOn(pages: AsyncIterator<readonly Message[]>): Promise<void> {
    const { log, retained } = this.#broker
    try {
      while (!this.#stopped && (await this.#nextPage(pages)));
      if (this.#stopped) await pages.return?.()
    } catch (error) {
      retained.endRestore()
      log.error(
        { err: error, restored: this.#retained },
        `Retained messages were not restored, apart from ${this.#retained}. The others stay in the store`,
      )
    }
  }

  /** @returns false when there is none. */
  async #nextPage(pages: AsyncIterator<readonly Message[]>): Promise<boolean> {
    const { log, retained, scheduler } = this.#broker
    retained.asksForPage()
    const { done, value } = await pages.next()
    if (done !== true) {
      this.#retained += retained.restore(value)
      scheduler.spend(value.length * RETAINED_UNITS)
      return true
    }
    const refused = retained.restored()
    if (refused > 0) {
      log.warn(
        { refused, restored: this.#retained },
        `${counted(refused, 'retained message')} of the store not restored: there is no room. Raise maximumRetainedMessages or ` +
          'maximumRetainedBytes of the broker',
      )
    }
    if (this.#retained > 0) {
      log.info({ retained: this.#retained }, `${counted(this.#retained, 'retained message')} restored`)
    }
    return false
  }
}

/** The work that is done at the start, before the scheduler has clients to divide a turn between. */
class Turn {
  #left = UNITS_PER_TURN

  /** Resolves at once, or in the next turn of the event loop when this one has no units left. */
  spend(units: number): Promise<void> | undefined {
    this.#left -= units
    if (this.#left > 0) return undefined
    this.#left = UNITS_PER_TURN
    return nextTurn()
  }
}

/** A client that was connected when the process ended counts as disconnected now. */
const byDisconnection = (one: Session, other: Session): number =>
  (one.disconnectedAtMs ?? Number.MAX_VALUE) - (other.disconnectedAtMs ?? Number.MAX_VALUE)
