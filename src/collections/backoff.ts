/** Growing times between attempts. Each is random within its upper half, so that many that failed together do not try again together. */
export class Backoff {
  #minimumMs: number
  #maximumMs: number
  readonly #random: () => number
  #attempts = 0

  /**
   * @param minimumMs the first time, at most. @param maximumMs the longest, at most.
   * @param random a number from 0 up to 1.
   */
  constructor(minimumMs: number, maximumMs: number, random: () => number = Math.random) {
    this.#minimumMs = minimumMs
    this.#maximumMs = maximumMs
    this.#random = random
  }

  /** Attempts since the last success. */
  get attempts(): number {
    return this.#attempts
  }

  /** Sets other times, from the next attempt on. @returns takes it back. */
  adjust(minimumMs: number, maximumMs: number): () => void {
    const before = [this.#minimumMs, this.#maximumMs] as const
    this.#minimumMs = minimumMs
    this.#maximumMs = maximumMs
    return () => void this.adjust(...before)
  }

  /** An attempt failed. @returns the time until the next one, in milliseconds. */
  next(): number {
    // 2 ** 30 is more than any maximum; the exponent must not grow until the number is Infinity.
    const highest = Math.min(this.#maximumMs, this.#minimumMs * 2 ** Math.min(this.#attempts, 30))
    this.#attempts += 1
    return Math.round(highest / 2 + (this.#random() * highest) / 2)
  }

  /** An attempt succeeded. */
  reset(): void {
    this.#attempts = 0
  }
}
