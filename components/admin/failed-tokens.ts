import { TokenBucket } from '../../src/collections/token-bucket.ts'
import { addressKey } from '../../src/network/address-key.ts'

/** Addresses that are remembered. The oldest is forgotten for a new one. */
const MAXIMUM_ADDRESSES = 10_000

/** Limits how often an address may send a wrong token. */
export class FailedTokens {
  readonly #buckets = new Map<string, TokenBucket>()
  readonly #rate: number
  readonly #burst: number

  constructor({
    failedTokenRate,
    failedTokenBurst,
  }: { readonly failedTokenRate: number; readonly failedTokenBurst: number }) {
    this.#rate = failedTokenRate
    this.#burst = failedTokenBurst
  }

  /** Whether requests of this address are refused now, whatever token they have. */
  isBlocked(address: string, nowMs = performance.now()): boolean {
    const bucket = this.#buckets.get(addressKey(address))
    return bucket !== undefined && !bucket.has(1, this.#rate, this.#burst, nowMs)
  }

  /** A wrong token came from this address. */
  add(address: string, nowMs = performance.now()): void {
    const key = addressKey(address)
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#burst, nowMs)
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    bucket.takeOne(this.#rate, this.#burst, nowMs)
    if (this.#buckets.size > MAXIMUM_ADDRESSES) this.#buckets.delete(this.#buckets.keys().next().value!)
  }
}
