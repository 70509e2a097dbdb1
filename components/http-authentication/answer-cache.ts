interface Kept<T> {
  readonly value: T
  readonly bytes: number
  readonly untilMs: number
}

export interface AnswerCacheOptions {
  /** How long a value is kept; 0 keeps none. */
  readonly durationMs: number
  readonly maximum: number
  readonly maximumBytes: number
  /** A clock that only goes forward. */
  readonly nowMs: () => number
}

/** What a value takes besides its own bytes. */
const VALUE_BYTES = 300

/** Keeps values for a short time. The oldest is forgotten first when there are too many. */
export class AnswerCache<T> {
  readonly #options: AnswerCacheOptions
  /** All live equally long, so that the first one is the next to end. */
  readonly #kept = new Map<string, Kept<T>>()
  #bytes = 0

  constructor(options: AnswerCacheOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#kept.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get(key: string): T | undefined {
    const kept = this.#kept.get(key)
    return kept !== undefined && kept.untilMs > this.#options.nowMs() ? kept.value : undefined
  }

  /** @param bytes the size of the value, about. */
  set(key: string, value: T, bytes: number): void {
    const { durationMs, maximum, maximumBytes, nowMs } = this.#options
    if (durationMs === 0) return
    this.#delete(key)
    const now = nowMs()
    this.#kept.set(key, { value, bytes: bytes + VALUE_BYTES, untilMs: now + durationMs })
    this.#bytes += bytes + VALUE_BYTES
    for (const [oldest, { untilMs }] of this.#kept) {
      if (this.#kept.size <= maximum && this.#bytes <= maximumBytes && untilMs > now) break
      this.#delete(oldest)
    }
  }

  clear(): void {
    this.#kept.clear()
    this.#bytes = 0
  }

  #delete(key: string): void {
    const kept = this.#kept.get(key)
    if (kept === undefined) return
    this.#kept.delete(key)
    this.#bytes -= kept.bytes
  }
}
