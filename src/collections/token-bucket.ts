/** The content of a bucket. */
export interface TokenBucketRecord {
  readonly tokens: number
  readonly atMs: number
}

/**
 * Tokens that return at a steady rate, up to a number. More tokens can be taken than there are: the debt is paid back first. Plain
 * numbers, without a timer and without a clock.
 */
export class TokenBucket {
  /** Tokens at the time `#atMs`; negative for a debt. */
  #tokens: number
  #atMs: number

  /** A full bucket. @param capacity the most tokens that it holds. @param nowMs the time on the clock of all later calls. */
  constructor(capacity: number, nowMs: number) {
    this.#tokens = capacity
    this.#atMs = nowMs
  }

  /** A bucket that continues another one, on the same clock. */
  static from({ tokens, atMs }: TokenBucketRecord): TokenBucket {
    return new TokenBucket(tokens, atMs)
  }

  /** Its content, for the bucket that continues it. */
  handOver(): TokenBucketRecord {
    return { tokens: this.#tokens, atMs: this.#atMs }
  }

  /**
   * Takes tokens, even if there are fewer.
   * @param perSecond tokens that return in a second.
   * @returns how long it takes until the debt is paid, in milliseconds; 0 if there is none.
   */
  take(tokens: number, perSecond: number, capacity: number, nowMs: number): number {
    this.#refill(perSecond, capacity, nowMs)
    this.#tokens -= tokens
    return this.#debtMs(perSecond)
  }

  /** Takes one token if there is one. @returns whether there was. */
  takeOne(perSecond: number, capacity: number, nowMs: number): boolean {
    this.#refill(perSecond, capacity, nowMs)
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  /** Whether so many tokens can be taken without a debt. */
  has(tokens: number, perSecond: number, capacity: number, nowMs: number): boolean {
    this.#refill(perSecond, capacity, nowMs)
    return this.#tokens >= tokens
  }

  /** Whether it holds all tokens that it can: then a new bucket is the same. */
  isFull(perSecond: number, capacity: number, nowMs: number): boolean {
    this.#refill(perSecond, capacity, nowMs)
    return this.#tokens >= capacity
  }

  #debtMs(perSecond: number): number {
    return this.#tokens >= 0 ? 0 : (-this.#tokens / perSecond) * 1_000
  }

  #refill(perSecond: number, capacity: number, nowMs: number): void {
    const returned = ((nowMs - this.#atMs) / 1_000) * perSecond
    this.#atMs = nowMs
    this.#tokens = Math.min(capacity, this.#tokens + Math.max(0, returned))
  }
}
