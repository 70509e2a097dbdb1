import { TokenBucket } from '../../src/collections/token-bucket.ts'

/** The values of the config that these use. */
export interface ConnectRateLimits {
  /** Connections in a second; null for no limit. */
  readonly connectRate: number | null
  /** Connections at once, after a time without any. */
  readonly connectBurst: number
  /** Addresses that are remembered. */
  readonly maximumTrackedAddresses: number
}

/** Buckets that are looked at with each new connection, to forget those that are full again. */
const FORGOTTEN_AT_ONCE = 2

/**
 * How often each address connects. Only addresses that connected lately are remembered: one that has all of its burst again is
 * forgotten. If there are too many, the one that has not connected for longest is forgotten. Each call takes constant time.
 */
export class ConnectRates {
  readonly #limits: ConnectRateLimits
  /** By `addressKey`, the one that connected last at the end. */
  readonly #buckets = new Map<string, TokenBucket>()

  constructor(limits: ConnectRateLimits) {
    this.#limits = limits
  }

  /** Addresses that are remembered. */
  get tracked(): number {
    return this.#buckets.size
  }

  /** Counts a new connection. @param key that of its address. @returns false if the address connects too often. */
  take(key: string, nowMs: number): boolean {
    const { connectRate, connectBurst, maximumTrackedAddresses } = this.#limits
    if (connectRate === null) return true
    this.#forgetFull(connectRate, nowMs)
    const bucket = this.#buckets.get(key) ?? new TokenBucket(connectBurst, nowMs)
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    if (this.#buckets.size > maximumTrackedAddresses) this.#buckets.delete(this.#buckets.keys().next().value!)
    return bucket.takeOne(connectRate, connectBurst, nowMs)
  }

  #forgetFull(connectRate: number, nowMs: number): void {
    let left = FORGOTTEN_AT_ONCE
    for (const [key, bucket] of this.#buckets) {
      if (left === 0 || !bucket.isFull(connectRate, this.#limits.connectBurst, nowMs)) return
      this.#buckets.delete(key)
      left -= 1
    }
  }
}
