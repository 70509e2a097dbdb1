/** Limits how often a line of the log is written. */
export class LogInterval {
  readonly #intervalMs: number
  #lastMs = Number.NEGATIVE_INFINITY

  /** @param intervalMs the time in which one line is written at most, in milliseconds. */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  /** Whether a line may be written now. If so, the caller writes it, and the next interval begins. */
  begin(): boolean {
    const nowMs = performance.now()
    if (nowMs - this.#lastMs < this.#intervalMs) return false
    this.#lastMs = nowMs
    return true
  }
}
