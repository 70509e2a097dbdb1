/** The loop's interface to a publisher. */
export interface LoopedPublisher {
  /** Whether it waits for the end of the turn; written by the loop alone. */
  queued: boolean
  /** How many messages it may send now. */
  readonly credit: number
  send(count: number, now: number): void
}

/**
 * Lets publishers send as soon as their messages arrived: at the end of the turn of the event loop, each all it may in one
 * write. Until it is started, and in the open loop, it does nothing.
 */
export class ClosedLoop {
  #running = false
  #waiting: LoopedPublisher[] = []

  start(publishers: readonly LoopedPublisher[]): void {
    this.#running = true
    for (const publisher of publishers) this.wake(publisher)
  }

  stop(): void {
    this.#running = false
  }

  /** A message of this publisher arrived. */
  wake(publisher: LoopedPublisher): void {
    if (!this.#running || publisher.queued) return
    publisher.queued = true
    if (this.#waiting.push(publisher) === 1) setImmediate(this.#run)
  }

  readonly #run = (): void => {
    const publishers = this.#waiting
    this.#waiting = []
    const now = performance.now()
    for (const publisher of publishers) {
      publisher.queued = false
      if (!this.#running) continue
      const credit = publisher.credit
      if (credit > 0) publisher.send(credit, now)
    }
  }
}
