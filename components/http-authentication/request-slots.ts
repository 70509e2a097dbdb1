import { Fifo } from '../../src/collections/fifo.ts'

/** Bounds how many requests are under way and how many wait. */
export class RequestSlots {
  readonly #maximum: number
  readonly #maximumQueued: number
  readonly #queue = new Fifo<(hasSlot: boolean) => void>()
  #taken = 0

  constructor(maximum: number, maximumQueued: number) {
    this.#maximum = maximum
    this.#maximumQueued = maximumQueued
  }

  /** Requests under way. */
  get taken(): number {
    return this.#taken
  }

  /** Requests that wait. */
  get queued(): number {
    return this.#queue.length
  }

  /**
   * Takes a slot. If there is one, `free` must follow.
   * @returns undefined when too many wait; false, later, when it was given up by `clear`.
   */
  take(): true | Promise<boolean> | undefined {
    if (this.#taken < this.#maximum) {
      this.#taken += 1
      return true
    }
    if (this.#queue.length >= this.#maximumQueued) return undefined
    return new Promise((resolve) => this.#queue.push(resolve))
  }

  /** Gives a slot back: the next that waits has it. */
  free(): void {
    const next = this.#queue.shift()
    if (next === undefined) this.#taken -= 1
    else next(true)
  }

  /** Gives up all that wait. */
  clear(): void {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) next(false)
  }
}
