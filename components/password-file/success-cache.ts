interface Success<T> {
  readonly value: T
  readonly expiresAtMs: number
}

/** Remembers for a short time which key stood for what. The oldest is forgotten first when there are too many. */
export class SuccessCache<T> {
  readonly #durationMs: number
  readonly #maximum: number
  readonly #nowMs: () => number
  /** All live equally long, so that the first one is the next to expire. */
  readonly #successes = new Map<string, Success<T>>()

  /** @param durationMs 0 keeps nothing. @param nowMs a clock that only goes forward. */
  constructor(durationMs: number, maximum: number, nowMs: () => number = () => performance.now()) {
    this.#durationMs = durationMs
    this.#maximum = maximum
    this.#nowMs = nowMs
  }

  get size(): number {
    return this.#successes.size
  }

  get(key: string): T | undefined {
    const success = this.#successes.get(key)
    return success !== undefined && success.expiresAtMs > this.#nowMs() ? success.value : undefined
  }

  add(key: string, value: T): void {
    if (this.#durationMs === 0 || this.#maximum === 0) return
    const nowMs = this.#nowMs()
    this.#successes.delete(key)
    this.#successes.set(key, { value, expiresAtMs: nowMs + this.#durationMs })
    for (const [oldest, { expiresAtMs }] of this.#successes) {
      if (this.#successes.size <= this.#maximum && expiresAtMs > nowMs) break
      this.#successes.delete(oldest)
    }
  }
}
