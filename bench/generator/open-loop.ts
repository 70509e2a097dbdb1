import type { Meter } from './meter.ts'
import type { Publisher } from './publisher.ts'

/**
 * Sends messages at times fixed beforehand, evenly spaced, publishers in turn. It asks for the time in every turn of the
 * event loop, since timers count in whole milliseconds: it keeps a processor busy, and sends on time.
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
    // The time is that of the message's number, not of the one before: a late one does not move those that follow.
    for (let intended = this.#intendedMs(); intended <= now; intended = this.#intendedMs()) {
      const publisher = this.#publishers[this.#next % this.#publishers.length]!
      // Without an identifier left the message waits, and its latency counts on.
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
