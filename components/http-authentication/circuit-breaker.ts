/** Stops requests to a service that fails. After a pause it allows one trial request, whose answer decides. */
export class CircuitBreaker {
  #maximumFailures: number
  #pauseMs: number
  readonly #nowMs: () => number
  /** Failures in a row. */
  #failures = 0
  /** Undefined while it is closed. */
  #openedAtMs: number | undefined
  #isTrying = false

  /** @param nowMs a clock that only goes forward. */
  constructor(maximumFailures: number, pauseMs: number, nowMs: () => number) {
    this.#maximumFailures = maximumFailures
    this.#pauseMs = pauseMs
    this.#nowMs = nowMs
  }

  /** Whether requests are refused, but for one now and then. */
  get isOpen(): boolean {
    return this.#openedAtMs !== undefined
  }

  /** Asks for a request. If it is allowed, `succeeded`, `failed` or `abandoned` must follow. */
  allows(): boolean {
    if (this.#openedAtMs === undefined) return true
    if (this.#isTrying || this.#nowMs() - this.#openedAtMs < this.#pauseMs) return false
    this.#isTrying = true
    return true
  }

  /** @returns whether it has closed now. */
  succeeded(): boolean {
    const wasOpen = this.isOpen
    this.#failures = 0
    this.#openedAtMs = undefined
    this.#isTrying = false
    return wasOpen
  }

  /** @returns whether it has opened now, and was closed before. */
  failed(): boolean {
    this.#failures += 1
    const wasOpen = this.isOpen
    // Requests that were sent before it opened fail later: only the trial request begins the pause again.
    if (wasOpen ? this.#isTrying : this.#failures >= this.#maximumFailures) this.#openedAtMs = this.#nowMs()
    this.#isTrying = false
    return !wasOpen && this.isOpen
  }

  /** Sets other bounds. @returns takes it back. */
  adjust(maximumFailures: number, pauseMs: number): () => void {
    const before = [this.#maximumFailures, this.#pauseMs] as const
    this.#maximumFailures = maximumFailures
    this.#pauseMs = pauseMs
    return () => void this.adjust(...before)
  }

  /** The request was not sent: the state of the service is unknown. */
  abandoned(): void {
    this.#isTrying = false
  }
}
