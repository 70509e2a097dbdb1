/** How long the dashboard waits before it connects again: 1 s, then twice as long each time, up to 30 s. */
export class Backoff {
  #attempts = 0

  /**
   * @param random from 0 to 1: up to a quarter is taken off, so that the pages of many operators do not come at the same time.
   * @returns milliseconds.
   */
  next(random = Math.random()): number {
    const full = Math.min(30_000, 1_000 * 2 ** this.#attempts)
    this.#attempts++
    return Math.round(full * (1 - random / 4))
  }

  reset(): void {
    this.#attempts = 0
  }
}
