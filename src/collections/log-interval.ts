/** Limits how often a line of the log is written. */
export class LogInterval {
  readonly #intervalMs: number
  readonly #nowMs: () => number
  #lastMs = Number.NEGATIVE_INFINITY

  /**
   * @param intervalMs the time in which one line is written at most, in milliseconds.
   * @param nowMs a clock that only goes forward.
   */
  constructor(intervalMs: number, nowMs: () => number = () => performance.now()) {
    this.#intervalMs = intervalMs
    this.#nowMs = nowMs
  }

  /** Whether a line may be written now. If so, the caller writes it, and the next interval begins. */
  begin(): boolean {
    const nowMs = this.#nowMs()
    if (nowMs - this.#lastMs < this.#intervalMs) return false
    this.#lastMs = nowMs
    return true
  }
}
