import type { Logger } from '../../src/kinds/logger.ts'
import type { TurnQueue as Queue, TurnScheduler, TurnTask } from '../../src/kinds/turn-scheduler.ts'
import { BROKER_UNITS } from './turn-scheduler.ts'

/**
 * A queue of the broker's own work, such as Wills that are due. It holds each item once, and handles the items in their order,
 * divided over turns of the event loop. An item that is added to an empty queue is handled at once if the turn has units left.
 */
export class TurnQueue<T> implements TurnTask, Queue<T> {
  readonly minimumUnits = BROKER_UNITS
  /** Whether it is work of the broker itself. The queue of another component stays with that component at a reset. */
  readonly isOwn: boolean
  readonly #name: string
  readonly #scheduler: TurnScheduler
  readonly #log: Logger
  readonly #step: (item: T) => boolean
  readonly #items = new Set<T>()

  /**
   * @param name for the log, when an item fails.
   * @param step does one step of an item and charges it with `TurnScheduler.spend`. It returns true when the item has more
   * steps. An item that throws is logged and leaves the queue.
   * @param isOwn false for the queue of another component.
   */
  constructor(name: string, scheduler: TurnScheduler, log: Logger, step: (item: T) => boolean, isOwn = true) {
    this.#name = name
    this.#scheduler = scheduler
    this.#log = log
    this.#step = step
    this.isOwn = isOwn
  }

  get size(): number {
    return this.#items.size
  }

  has(item: T): boolean {
    return this.#items.has(item)
  }

  /** Adds an item, and begins with it if it is the only one and the turn has units left. */
  add(item: T): void {
    this.#items.add(item)
    // With others before it, the queue waits for its next turn already.
    if (this.#items.size === 1) this.resume()
  }

  /** The items, in their order, for a successor. */
  get items(): readonly T[] {
    return [...this.#items]
  }

  /** The items of the predecessor, at a reset: they are handled in later turns. */
  takeOver(items: readonly T[]): void {
    for (const item of items) this.#items.add(item)
    if (items.length > 0) this.#scheduler.later(this)
  }

  /** Removes an item. @returns false if it was not there. */
  delete(item: T): boolean {
    return this.#items.delete(item)
  }

  resume(): void {
    for (const item of this.#items) {
      do {
        if (!this.#scheduler.mayGoOn(this)) return
      } while (this.#takeStep(item))
      this.#items.delete(item)
    }
  }

  /** Handles all items now, without a limit. */
  drain(): void {
    for (const item of this.#items) {
      while (this.#takeStep(item));
      this.#items.delete(item)
    }
  }

  /** An item that fails must not stop the others. */
  #takeStep(item: T): boolean {
    try {
      return this.#step(item)
    } catch (error) {
      this.#log.error({ err: error, task: this.#name }, 'A task failed')
      return false
    }
  }
}
