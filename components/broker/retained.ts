import type { Logger } from '../../src/kinds/logger.ts'
import type { Payer, TurnScheduler, TurnTask } from '../../src/kinds/turn-scheduler.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { RetainedMessages } from '../../src/mqtt/retained-messages.ts'
import type { BrokerConfig } from './config.ts'
import type { BrokerCounters } from './counters.ts'
import type { Journal } from './journal.ts'

/** Messages with a Message Expiry Interval that are looked at in one sweep. There are five sweeps in a second. */
const SWEEP_LIMIT = 10_000

/** Messages that are looked at in one step of a sweep, and the units of work of a step. A message that is removed costs more. */
const SWEEP_STEP = 100
const SWEEP_STEP_UNITS = 30
const REMOVAL_UNITS = 20

/** Topics that are looked at in one step of `find`. */
const FIND_STEP = 1_000
/** Units of work for each of them. */
const FIND_UNITS = 2

/** The parts of the broker that the retained messages use. */
export interface RetainedContext {
  readonly config: BrokerConfig
  readonly journal: Journal
  readonly counters: BrokerCounters
  readonly log: Logger
  readonly scheduler: TurnScheduler
}

/** The messages of the store are not all here: they are being restored, or some had no room or could not be read. */
interface RestoreState {
  isRunning: boolean
  /** Topics whose message was removed since the store was asked for the next page. */
  readonly removed: Set<string>
  /** Messages for which there was no room. */
  refused: number
}

/** The retained messages of the broker, with their records in the store. */
export class Retained {
  readonly messages: RetainedMessages
  readonly #journal: Journal
  readonly #counters: BrokerCounters
  readonly #log: Logger
  readonly #scheduler: TurnScheduler
  /** Undefined when every message of the store is here. */
  #restore: RestoreState | undefined
  /** Searches that wait until all messages are here. */
  #waiting = new Set<TurnTask>()
  /** Messages that were not retained since there was no room. */
  refused = 0
  #full = false
  /** Messages that are yet to be looked at in this sweep. */
  #sweepLeft = 0

  constructor({ config, journal, counters, log, scheduler }: RetainedContext) {
    this.messages = new RetainedMessages({
      maximumMessages: config.maximumRetainedMessages,
      maximumBytes: config.maximumRetainedBytes,
    })
    this.#journal = journal
    this.#counters = counters
    this.#log = log
    this.#scheduler = scheduler
  }

  /**
   * Retains a message with RETAIN 1: it replaces the message of its topic [MQTT-3.3.1-5], or removes it if the payload is empty
   * [MQTT-3.3.1-6] [MQTT-3.3.1-7].
   * @param message lent.
   * @returns false if there is no room. The message of the topic then stays unchanged.
   */
  take(message: Message): boolean {
    if (message.payloadLength === 0) {
      this.delete(message.topic)
      return true
    }
    const kept = message.alone()
    if (!this.messages.set(kept)) return this.#refuse(kept)
    this.#full = false
    this.#journal.append({ type: 'retained', message: kept })
    return true
  }

  /**
   * The messages that a Topic Filter matches.
   * @param filter a legal Topic Filter, not `$share/...`. @param limit how many at most. @param payer is charged for the work.
   */
  find(filter: string, limit: number, nowMs: number, payer: Payer): Message[] {
    const found: Message[] = []
    const { messages } = this
    for (let reached = 0; reached < messages.lastNumber && found.length < limit; ) {
      const page = messages.walk(filter, reached, messages.lastNumber, {
        looked: FIND_STEP,
        found: limit - found.length,
      })
      reached = page.reached
      payer.chargeWork(page.looked * FIND_UNITS)
      for (const number of page.numbers) {
        const message = messages.at(number, nowMs)
        if (message !== undefined) found.push(message)
      }
    }
    return found
  }

  /** Deletes the retained message of a topic. @returns false when there was none; true if it may be in the store alone. */
  delete(topic: string): boolean {
    if (!this.messages.delete(topic) && this.#restore === undefined) return false
    this.#remove(topic)
    return true
  }

  #remove(topic: string): void {
    if (this.isRestoring) this.#restore?.removed.add(topic)
    this.#journal.append({ type: 'retained-removed', topic })
  }

  /** Whether messages of the store are still missing here: a search has to wait for them, with `afterRestore`. */
  get isRestoring(): boolean {
    return this.#restore?.isRunning === true
  }

  /** The messages of the store are restored from now on, page by page. */
  restoring(): void {
    this.#restore = { isRunning: true, removed: new Set(), refused: 0 }
  }

  /** The next page is read from the store now, and has everything that was removed before. */
  asksForPage(): void {
    this.#restore?.removed.clear()
  }

  /** Restores a page. A message that was retained or removed meanwhile is newer than the stored one. @returns how many it restored. */
  restore(messages: readonly Message[]): number {
    const restore = this.#restore!
    let restored = 0
    for (const message of messages) {
      const { topic } = message
      if (restore.removed.has(topic) || this.messages.has(topic)) continue
      if (this.messages.set(message)) restored += 1
      else restore.refused += 1
    }
    return restored
  }

  /** All are restored. @returns how many were not, since there was no room. */
  restored(): number {
    const refused = this.#restore?.refused ?? 0
    // Those without room are only in the store, and can still be deleted.
    if (refused === 0) this.#restore = undefined
    this.endRestore()
    return refused
  }

  /** No further message is restored: those that could not be read stay in the store. Searches go on. */
  endRestore(): void {
    if (this.#restore !== undefined) this.#restore.isRunning = false
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const task of waiting) if (this.#scheduler.mayGoOn(task)) task.resume()
  }

  /** Resumes a search when all messages are restored. */
  afterRestore(task: TurnTask): void {
    this.#waiting.add(task)
  }

  /** Begins a sweep over some of the messages with an expiry time, or over all if there are few. */
  beginSweep(): void {
    this.#sweepLeft = Math.min(this.messages.expiring, SWEEP_LIMIT)
  }

  /**
   * Does one step of the sweep: removes those of a few messages whose Message Expiry Interval is over.
   * @param payer is charged for the work.
   * @returns whether there are more steps.
   */
  sweep(nowMs: number, payer: Payer): boolean {
    if (this.#sweepLeft <= 0) return false
    this.#sweepLeft -= SWEEP_STEP
    payer.chargeWork(SWEEP_STEP_UNITS)
    for (const { topic } of this.messages.removeExpired(nowMs, SWEEP_STEP)) {
      // The way to a topic leads over its levels.
      payer.chargeWork(REMOVAL_UNITS + (topic.length >> 2))
      this.#counters.expiredRetained += 1
      this.#remove(topic)
    }
    return this.#sweepLeft > 0
  }

  #refuse({ topic }: Message): false {
    this.refused += 1
    if (!this.#full) {
      const { count, bytes } = this.messages
      this.#log.warn({ topic, count, bytes }, 'A message is not retained: there is no room for more of them')
    }
    this.#full = true
    return false
  }
}
