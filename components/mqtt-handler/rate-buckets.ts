import { TokenBucket, type TokenBucketRecord } from '../../src/collections/token-bucket.ts'

/** The limits for one second; undefined for no limit. */
export interface PublishLimits {
  messages: number | undefined
  bytes: number | undefined
}

/** The content of a bucket, and how many clients use it. */
export interface PublishBucketRecord {
  readonly name: string
  readonly clients: number
  readonly messages: TokenBucketRecord | undefined
  readonly bytes: TokenBucketRecord | undefined
}

/** Names that are remembered after their last client has left. */
const MAXIMUM_REMEMBERED = 10_000

/** Names that are checked when a client leaves, to forget those that have paid their debt. */
const FORGOTTEN_AT_ONCE = 2

/** The recent publications of one client or one user. */
export class PublishBucket {
  /** Those of all buckets: a reset may change them. */
  readonly #limits: PublishLimits
  /** Undefined while there is no such limit. */
  #messages: TokenBucket | undefined
  #bytes: TokenBucket | undefined
  /** Clients that use it now. */
  clients = 0

  constructor(limits: PublishLimits, nowMs: number) {
    this.#limits = limits
    this.fill(nowMs)
  }

  /** A bucket that continues another one. */
  static from({ clients, messages, bytes }: PublishBucketRecord, limits: PublishLimits, nowMs: number): PublishBucket {
    const bucket = new PublishBucket(limits, nowMs)
    bucket.clients = clients
    if (messages !== undefined) bucket.#messages = TokenBucket.from(messages)
    if (bytes !== undefined) bucket.#bytes = TokenBucket.from(bytes)
    bucket.fill(nowMs)
    return bucket
  }

  handOver(name: string): PublishBucketRecord {
    const { clients } = this
    return { name, clients, messages: this.#messages?.handOver(), bytes: this.#bytes?.handOver() }
  }

  /** Limits that are new are not used up yet. */
  fill(nowMs: number): void {
    const { messages, bytes } = this.#limits
    if (messages !== undefined) this.#messages ??= new TokenBucket(burstOf(messages), nowMs)
    if (bytes !== undefined) this.#bytes ??= new TokenBucket(bytes, nowMs)
  }

  /** Counts what was published. @returns the time for which the client must not be read, in milliseconds; 0 within the limits. */
  take(messages: number, bytes: number, nowMs: number): number {
    const { messages: rate, bytes: byteRate } = this.#limits
    const forMessages = rate === undefined ? 0 : this.#messages!.take(messages, rate, burstOf(rate), nowMs)
    const forBytes = byteRate === undefined ? 0 : this.#bytes!.take(bytes, byteRate, byteRate, nowMs)
    return Math.max(forMessages, forBytes)
  }

  /** Whether this can be published within the limits. */
  has(messages: number, bytes: number, nowMs: number): boolean {
    const { messages: rate, bytes: byteRate } = this.#limits
    if (rate !== undefined && !this.#messages!.has(messages, rate, burstOf(rate), nowMs)) return false
    return byteRate === undefined || this.#bytes!.has(bytes, byteRate, byteRate, nowMs)
  }

  /** Whether it has paid its whole debt, so that a new bucket is equal. */
  isFull(nowMs: number): boolean {
    const { messages: rate, bytes: byteRate } = this.#limits
    const isFull = rate === undefined || this.#messages!.isFull(rate, burstOf(rate), nowMs)
    return isFull && (byteRate === undefined || this.#bytes!.isFull(byteRate, byteRate, nowMs))
  }
}

/** A rate below one message in a second still allows one message at once. */
const burstOf = (rate: number): number => Math.max(1, rate)

export interface PublishBucketsRecord {
  readonly used: readonly PublishBucketRecord[]
  readonly remembered: readonly PublishBucketRecord[]
}

/**
 * The buckets of all clients, by Client Identifier, or of all users. A bucket is kept after its last client has left until it is full
 * again: a client must not avoid its limit by connecting again.
 */
export class PublishBuckets {
  readonly #limits: PublishLimits
  readonly #used = new Map<string, PublishBucket>()
  /** Of clients that have left, the last one at the end. */
  readonly #remembered = new Map<string, PublishBucket>()

  constructor(limits: PublishLimits) {
    this.#limits = limits
  }

  /** Sets other limits for all buckets. What was published lately still counts. */
  limit({ messages, bytes }: Readonly<PublishLimits>, nowMs: number): void {
    this.#limits.messages = messages
    this.#limits.bytes = bytes
    for (const buckets of [this.#used, this.#remembered]) for (const bucket of buckets.values()) bucket.fill(nowMs)
  }

  handOver(): PublishBucketsRecord {
    const recordsOf = (buckets: ReadonlyMap<string, PublishBucket>) =>
      [...buckets].map(([name, bucket]) => bucket.handOver(name))
    return { used: recordsOf(this.#used), remembered: recordsOf(this.#remembered) }
  }

  /** Continues with the buckets of others. Their clients join by `find`. */
  continueWith({ used, remembered }: PublishBucketsRecord, nowMs: number): void {
    for (const record of used) this.#used.set(record.name, PublishBucket.from(record, this.#limits, nowMs))
    for (const record of remembered) this.#remembered.set(record.name, PublishBucket.from(record, this.#limits, nowMs))
  }

  /** The bucket of a client that has joined already. */
  find(name: string): PublishBucket | undefined {
    return this.#used.get(name)
  }

  /** Whether there is no limit. */
  get isUnlimited(): boolean {
    return this.#limits.messages === undefined && this.#limits.bytes === undefined
  }

  /** Buckets of clients that have left. */
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

  /** A client that has joined leaves. */
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
