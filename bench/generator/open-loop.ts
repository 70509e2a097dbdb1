import type { Meter } from './meter.ts'
import type { Publisher } from './publisher.ts'

/**
 * Sends messages at times fixed beforehand, evenly spaced, publishers in turn. It reads the clock in every turn of the event
 * loop, since timers have a resolution of a millisecond. This keeps a processor busy, and messages leave on time.
 */
export class OpenLoop {
  readonly #publishers: readonly Publisher[]
  readonly #meter: Meter
  readonly #intervalMs: number
  #running = false
  #startMs = 0
  #next = 0

  constructor(publishers: readonly Publisher[], perSecond: number, meter: Meter) {
    this.#publishers = publishers
    this.#meter = meter
    this.#intervalMs = 1000 / perSecond
  }

  start(): void {
    this.#running = true
    this.#startMs = performance.now()
    setImmediate(this.#turn)
  }

  stop(): void {
    this.#running = false
  }

  readonly #turn = (): void => {
    if (!this.#running) return
    const now = performance.now()
    // The time follows from the number of the message, so a late message does not delay later ones.
    for (let intended = this.#intendedMs(); intended <= now; intended = this.#intendedMs()) {
      const publisher = this.#publishers[this.#next % this.#publishers.length]!
      // Without a free identifier the message waits, and its latency grows.
      if (publisher.send(1, intended) === 0) break
      this.#meter.sent(intended, now)
      this.#next += 1
    }
    setImmediate(this.#turn)
  }

  #intendedMs(): number {
    return this.#startMs + this.#next * this.#intervalMs
  }
}
