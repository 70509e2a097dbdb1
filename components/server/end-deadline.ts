/** The time at which a stream is destroyed that has not ended by itself. It crosses a reset: the time does not begin anew. */
export class EndDeadline {
  readonly #passed: () => void
  #timer: NodeJS.Timeout | undefined
  /** On the clock of `performance.now()`. Undefined until it is set. */
  atMs: number | undefined

  constructor(passed: () => void) {
    this.#passed = passed
  }

  /** Begins, or begins anew. */
  begin(ms: number): void {
    this.continueAt(performance.now() + ms)
  }

  /** Continues for another object. @param atMs undefined if that had none. */
  continueAt(atMs: number | undefined): void {
    this.stop()
    this.atMs = atMs
    if (atMs !== undefined) this.#timer = setTimeout(this.#passed, Math.max(0, atMs - performance.now()))
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
