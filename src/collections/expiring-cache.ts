export interface ExpiringCacheOptions {
  /** How long a value is kept, in milliseconds; 0 keeps no value. */
  readonly durationMs: number
  /** The number of values; 0 keeps no value. */
  readonly maximum: number
  /** The size of all values together. Unset: no limit. */
  readonly maximumBytes?: number
  /** A clock that only goes forward. */
  readonly nowMs?: () => number
}

interface Kept<T> {
  readonly value: T
  readonly bytes: number
  readonly keptAtMs: number
}

/** Keeps values for a short time. When there are too many, the oldest is removed first. */
export class ExpiringCache<T> {
  #durationMs: number
  #maximum: number
  #maximumBytes: number
  readonly #nowMs: () => number
  /** All values are kept equally long, so the first one is the next to expire. */
  readonly #kept = new Map<string, Kept<T>>()
  #bytes = 0

  constructor({ durationMs, maximum, maximumBytes, nowMs }: ExpiringCacheOptions) {
    this.#durationMs = durationMs
    this.#maximum = maximum
    this.#maximumBytes = maximumBytes ?? Number.POSITIVE_INFINITY
    this.#nowMs = nowMs ?? (() => performance.now())
  }

  get size(): number {
    return this.#kept.size
  }

  /** The size of all values together. */
  get bytes(): number {
    return this.#bytes
  }

  get(key: string): T | undefined {
    const kept = this.#kept.get(key)
    return kept !== undefined && !this.#hasExpired(kept, this.#nowMs()) ? kept.value : undefined
  }

  /** @param bytes the approximate size of the value; needed only with `maximumBytes`. */
  set(key: string, value: T, bytes = 0): void {
    if (this.#durationMs === 0 || this.#maximum === 0) return
    this.#delete(key)
    const nowMs = this.#nowMs()
    this.#kept.set(key, { value, bytes, keptAtMs: nowMs })
    this.#bytes += bytes
    for (const [oldest, first] of this.#kept) {
      const fits = this.#kept.size <= this.#maximum && this.#bytes <= this.#maximumBytes
      if (fits && !this.#hasExpired(first, nowMs)) break
      this.#delete(oldest)
    }
  }

  clear(): void {
    this.#kept.clear()
    this.#bytes = 0
  }

  /** Sets other bounds, also for the values that it has. None is removed until another one is added. @returns takes it back. */
  adjust({ durationMs, maximum, maximumBytes }: Omit<ExpiringCacheOptions, 'nowMs'>): () => void {
    const before = { durationMs: this.#durationMs, maximum: this.#maximum, maximumBytes: this.#maximumBytes }
    this.#durationMs = durationMs
    this.#maximum = maximum
    this.#maximumBytes = maximumBytes ?? Number.POSITIVE_INFINITY
    return () => void this.adjust(before)
  }

  #hasExpired({ keptAtMs }: Kept<T>, nowMs: number): boolean {
    return nowMs - keptAtMs >= this.#durationMs
  }

  #delete(key: string): void {
    const kept = this.#kept.get(key)
    if (kept === undefined) return
    this.#kept.delete(key)
    this.#bytes -= kept.bytes
  }
}
