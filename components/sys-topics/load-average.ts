const MINUTE_MS = 60_000

/**
 * A rate per minute, averaged over a time that moves on: what happened longer ago weighs exponentially less. The same value as
 * that of mosquitto and of the load of Unix.
 */
export class LoadAverage {
  readonly #periodMs: number
  #perMinute = 0

  /** @param minutes the time over which it is averaged. */
  constructor(minutes: number) {
    this.#periodMs = minutes * MINUTE_MS
  }

  /** Events per minute. */
  get perMinute(): number {
    return this.#perMinute
  }

  /** @param count events since the last call. @param elapsedMs the time since then, more than 0. */
  add(count: number, elapsedMs: number): void {
    const now = (count * MINUTE_MS) / elapsedMs
    this.#perMinute = now + Math.exp(-elapsedMs / this.#periodMs) * (this.#perMinute - now)
  }
}
