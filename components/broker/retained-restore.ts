import type { TurnScheduler, TurnTask } from '../../src/kinds/turn-scheduler.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { PackedMessage } from '../../src/mqtt/packed-message.ts'

/** How far the retained messages of the store are restored, what was removed meanwhile, and who waits for the end. */
export class RetainedRestore {
  readonly #scheduler: TurnScheduler
  #isRunning = false
  /** Topics whose message was removed since the store was asked for the next page. */
  readonly #removed = new Set<string>()
  /** Messages for which there was no room. */
  #refused = 0
  /** Whether the store may have messages that are not in memory. */
  #mayHave = false
  #waiting = new Set<TurnTask>()

  constructor(scheduler: TurnScheduler) {
    this.#scheduler = scheduler
  }

  /** Whether messages of the store are still to come. */
  get isRunning(): boolean {
    return this.#isRunning
  }

  /** Whether the store may have messages that are not in memory: they are to come, had no room, or could not be read. */
  get mayHave(): boolean {
    return this.#mayHave
  }

  /** The restore of the predecessor is over, at a reset. @param mayHave as in the predecessor. */
  takeOver(mayHave: boolean): void {
    this.#mayHave = mayHave
  }

  begin(): void {
    this.#isRunning = true
    this.#mayHave = true
    this.#refused = 0
    this.#removed.clear()
  }

  /** The next page has everything that was removed before. */
  asksForPage(): void {
    this.#removed.clear()
  }

  /** The message of a topic was removed. */
  removed(topic: string): void {
    if (this.#isRunning) this.#removed.add(topic)
  }

  /** Whether the page that is read now may have a message that was removed since. */
  wasRemoved(message: Message | PackedMessage): boolean {
    return this.#removed.size > 0 && this.#removed.has(message.topic)
  }

  /** There was no room for a message. */
  refused(): void {
    this.#refused += 1
  }

  /** All are restored. @returns how many had no room. Those are only in the store, and can still be deleted. */
  complete(): number {
    if (this.#refused === 0) this.#mayHave = false
    this.end()
    return this.#refused
  }

  /** No further message is restored. Tasks that waited are resumed. */
  end(): void {
    this.#isRunning = false
    this.#removed.clear()
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const task of waiting) if (this.#scheduler.mayGoOn(task)) task.resume()
  }

  /** Resumes a task at the end. */
  whenOver(task: TurnTask): void {
    this.#waiting.add(task)
  }
}
