import { TokenBucket } from '../../src/collections/token-bucket.ts'

/** What may be published in a second; undefined for no limit. */
export interface PublishLimits {
  readonly messages: number | undefined
  readonly bytes: number | undefined
}

/** Names that are remembered after their last client has gone. */
const MAXIMUM_REMEMBERED = 10_000

/** Names that are looked at when a client goes, to forget those that have paid their debt. */
const FORGOTTEN_AT_ONCE = 2

/** What one client or one user has published lately. */
export class PublishBucket {
  readonly #limits: PublishLimits
  readonly #messages: TokenBucket | undefined
  readonly #bytes: TokenBucket | undefined
  /** Clients that use it now. */
  clients = 0

  constructor(limits: PublishLimits, nowMs: number) {
    this.#limits = limits
    if (limits.messages !== undefined) this.#messages = new TokenBucket(burstOf(limits.messages), nowMs)
    if (limits.bytes !== undefined) this.#bytes = new TokenBucket(limits.bytes, nowMs)
  }

  /** Counts what was published. @returns how long nothing more is to be read, in milliseconds; 0 for no limit reached. */
  take(messages: number, bytes: number, nowMs: number): number {
    const { messages: rate, bytes: byteRate } = this.#limits
    const forMessages = rate === undefined ? 0 : this.#messages!.take(messages, rate, burstOf(rate), nowMs)
    const forBytes = byteRate === undefined ? 0 : this.#bytes!.take(bytes, byteRate, byteRate, nowMs)
    return Math.max(forMessages, forBytes)
  }

  /** Whether so much can be published without a limit being reached. */
  has(messages: number, bytes: number, nowMs: number): boolean {
    const { messages: rate, bytes: byteRate } = this.#limits
    if (rate !== undefined && !this.#messages!.has(messages, rate, burstOf(rate), nowMs)) return false
    return byteRate === undefined || this.#bytes!.has(bytes, byteRate, byteRate, nowMs)
  }

  /** Whether it has paid all of its debt, so that a new one is the same. */
  isFull(nowMs: number): boolean {
    const { messages: rate, bytes: byteRate } = this.#limits
    const isFull = rate === undefined || this.#messages!.isFull(rate, burstOf(rate), nowMs)
    return isFull && (byteRate === undefined || this.#bytes!.isFull(byteRate, byteRate, nowMs))
  }
}

/** A rate below one message in a second still allows one message at once. */
const burstOf = (rate: number): number => Math.max(1, rate)

/**
 * The buckets of all clients, by Client Identifier, or of all users. A bucket is kept after its last client has gone until it is full
 * again: a client must not get around its limit by connecting again.
 */
export class PublishBuckets {
  readonly #limits: PublishLimits
  readonly #used = new Map<string, PublishBucket>()
  /** Of clients that have gone, the last one at the end. */
  readonly #remembered = new Map<string, PublishBucket>()

  constructor(limits: PublishLimits) {
    this.#limits = limits
  }

  /** Whether there is no limit. */
  get isUnlimited(): boolean {
    return this.#limits.messages === undefined && this.#limits.bytes === undefined
  }

  /** Buckets of clients that have gone. */
  get remembered(): number {
    return this.#remembered.size
  }

  /** A client begins to use the bucket of this name. @returns undefined if there is no limit. */
  join(name: string, nowMs: number): PublishBucket | undefined {
    if (this.isUnlimited) return undefined
    const bucket = this.#used.get(name) ?? this.#remembered.get(name) ?? new PublishBucket(this.#limits, nowMs)
    this.#remembered.delete(name)
    this.#used.set(name, bucket)
    bucket.clients += 1
    return bucket
  }

  /** A client that has joined has gone. */
  leave(name: string, bucket: PublishBucket, nowMs: number): void {
    bucket.clients -= 1
    if (bucket.clients > 0) return
    this.#used.delete(name)
    this.#forgetFull(nowMs)
    if (bucket.isFull(nowMs)) return
    this.#remembered.set(name, bucket)
    if (this.#remembered.size > MAXIMUM_REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value!)
  }

  #forgetFull(nowMs: number): void {
    let left = FORGOTTEN_AT_ONCE
    for (const [name, bucket] of this.#remembered) {
      if (left === 0 || !bucket.isFull(nowMs)) return
      this.#remembered.delete(name)
      left -= 1
    }
  }
}
