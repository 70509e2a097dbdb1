import { TokenBucket, type TokenBucketRecord } from '../collections/token-bucket.ts'

export interface AddressRateLimits {
  /** Events in a second; null for no limit. */
  readonly rate: number | null
  /** Events at once, after a time without any. */
  readonly burst: number
  /** Addresses that are remembered. */
  readonly maximumAddresses: number
}

/** Buckets that are checked with each event, to forget those that are full again. */
const FORGOTTEN_AT_ONCE = 2

/**
 * Forgets the first ones of a table that has too many: at most two, so that one call takes constant time when the limit was lowered. Tables
 * that gain one in a call come down to the limit.
 */
export const forgetFirst = (table: Map<string, unknown>, maximum: number): void => {
  for (let left = FORGOTTEN_AT_ONCE; left > 0 && table.size > maximum; left -= 1)
    table.delete(table.keys().next().value!)
}

/**
 * How often something happens for each address: it connects, or sends a request. Only addresses with a recent event are remembered: one
 * that has all of its burst again is forgotten. If there are too many, the one without an event for longest is forgotten. Each call
 * takes constant time.
 */
export class AddressRates {
  #limits: AddressRateLimits
  /** By `addressKey`, the one of the last event at the end. */
  readonly #buckets = new Map<string, TokenBucket>()

  constructor(limits: AddressRateLimits) {
    this.#limits = limits
  }

  /** Changes the limits. An address keeps what is left of its burst, up to the new one. */
  configure(limits: AddressRateLimits): void {
    this.#limits = limits
  }

  /** Addresses that are remembered. */
  get tracked(): number {
    return this.#buckets.size
  }

  /** What is left to each address, for the successor. On the same clock. */
  handOver(): (readonly [string, TokenBucketRecord])[] {
    return [...this.#buckets].map(([key, bucket]) => [key, bucket.handOver()] as const)
  }

  /** Continues for another object. */
  continueFrom(buckets: readonly (readonly [string, TokenBucketRecord])[]): void {
    for (const [key, bucket] of buckets) this.#buckets.set(key, TokenBucket.from(bucket))
  }

  /** Sets other limits. @returns takes it back. */
  adjust(limits: AddressRateLimits): () => void {
    const before = this.#limits
    this.#limits = limits
    return () => {
      this.#limits = before
    }
  }

  /** Counts an event. @param key the `addressKey`. @returns false if there are too many of this address. */
  take(key: string, nowMs: number): boolean {
    const { rate, burst, maximumAddresses } = this.#limits
    if (rate === null) return true
    this.#forgetFull(rate, nowMs)
    const bucket = this.#buckets.get(key) ?? new TokenBucket(burst, nowMs)
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    forgetFirst(this.#buckets, maximumAddresses)
    return bucket.takeOne(rate, burst, nowMs)
  }

  /** Whether `take` would return true. Nothing is counted. */
  has(key: string, nowMs: number): boolean {
    const { rate, burst } = this.#limits
    return rate === null || this.#buckets.get(key)?.has(1, rate, burst, nowMs) !== false
  }

  #forgetFull(rate: number, nowMs: number): void {
    let left = FORGOTTEN_AT_ONCE
    for (const [key, bucket] of this.#buckets) {
      if (left === 0 || !bucket.isFull(rate, this.#limits.burst, nowMs)) return
      this.#buckets.delete(key)
      left -= 1
    }
  }
}
