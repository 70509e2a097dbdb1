import { LogInterval } from '../../src/collections/log-interval.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { RecipientDescription } from '../../src/kinds/recipient.ts'
import type { RateRecord } from './client-record.ts'
import type { HandlerConfig } from './config.ts'
import type { HandlerCounters } from './counters.ts'
import { type PublishBucket, PublishBuckets, type PublishBucketsRecord } from './rate-buckets.ts'
import { Pause, type Reading } from './reading.ts'

/** The interval at which clients that published too fast are checked, in milliseconds. */
const INTERVAL_MS = 50

/** At most one line about clients that publish too fast is logged in this time, in milliseconds. */
const LOG_INTERVAL_MS = 10_000

/** A client whose rate is limited. */
export interface RatedClient {
  readonly reading: Pick<Reading, 'pause' | 'resume'>
  /** The user that it proved to be. */
  readonly owner: string | undefined
  describe(): RecipientDescription
}

/**
 * Limits how much each client and each user publishes, by messages and bytes in a second. A client that has published too much is not
 * read until its debt is paid; nothing is dropped. One timer looks at all of them, and runs only while there are any.
 */
export class PublishRates {
  readonly #ofClients: PublishBuckets
  readonly #ofUsers: PublishBuckets
  readonly #counters: HandlerCounters
  /** A reset may replace it. */
  log: Logger
  readonly #logInterval = new LogInterval(LOG_INTERVAL_MS)
  /** Clients that are not read now. */
  readonly #slowed = new Set<PublishRate>()
  #timer: NodeJS.Timeout | undefined

  constructor(config: HandlerConfig, counters: HandlerCounters, log: Logger) {
    this.#ofClients = new PublishBuckets(ownLimits(config))
    this.#ofUsers = new PublishBuckets(userLimits(config))
    this.#counters = counters
    this.log = log
  }

  /** Sets other limits. Clients join those that they did not have by `join`. */
  limit(config: HandlerConfig): void {
    const nowMs = performance.now()
    this.#ofClients.limit(ownLimits(config), nowMs)
    this.#ofUsers.limit(userLimits(config), nowMs)
  }

  handOver(): PublishRatesRecord {
    return { ofClients: this.#ofClients.handOver(), ofUsers: this.#ofUsers.handOver() }
  }

  continueWith({ ofClients, ofUsers }: PublishRatesRecord): void {
    const nowMs = performance.now()
    this.#ofClients.continueWith(ofClients, nowMs)
    this.#ofUsers.continueWith(ofUsers, nowMs)
  }

  /** Clients that are not read now because they published too fast. */
  get slowed(): number {
    return this.#slowed.size
  }

  /**
   * A client was accepted, or there are other limits. It joins those that it does not have.
   * @param before what it has. @returns its limits; undefined if it has none.
   */
  join(client: RatedClient, clientId: string, before?: PublishRate): PublishRate | undefined {
    const { owner } = client
    const nowMs = performance.now()
    const own = before?.own ?? this.#ofClients.join(clientId, nowMs)
    const user = before?.user ?? (owner === undefined ? undefined : this.#ofUsers.join(owner, nowMs))
    if (own === before?.own && user === before?.user) return before
    const rate = new PublishRate(client, clientId, own, user, this, before?.handOver())
    if (before !== undefined && this.#slowed.delete(before)) this.#slow(rate)
    return rate
  }

  /** Takes back a `join` that was for other limits. */
  unjoin(rate: PublishRate, before: PublishRate | undefined): void {
    if (this.#slowed.delete(rate) && before !== undefined) this.#slow(before)
    this.#leave(rate, before)
  }

  /** The limits of a client in whose place another object was, and which may be stopped now. */
  rejoin(client: RatedClient, clientId: string, record: RateRecord): PublishRate {
    const { owner } = client
    const user = owner === undefined ? undefined : this.#ofUsers.find(owner)
    const rate = new PublishRate(client, clientId, this.#ofClients.find(clientId), user, this, record)
    if (record.isSlowed) this.#slow(rate)
    return rate
  }

  /** Another object is in the place of the client. */
  forget(rate: PublishRate): void {
    this.#slowed.delete(rate)
  }

  isSlowed(rate: PublishRate): boolean {
    return this.#slowed.has(rate)
  }

  /** A client has gone. */
  leave(rate: PublishRate): void {
    this.#slowed.delete(rate)
    this.#leave(rate)
  }

  /** Stops reading from a client for some time. */
  slowDown(rate: PublishRate): void {
    if (this.#slowed.has(rate)) return
    this.#slow(rate)
    rate.client.reading.pause(Pause.Rate)
    this.#counters.slowedPublishers += 1
    if (!this.#logInterval.begin()) return
    const { text, fields } = rate.client.describe()
    const details = { ...fields, slowed: this.#counters.slowedPublishers, clients: this.#slowed.size }
    const whose = rate.isOfUser ? 'maximumPublishRatePerUser or maximumPublishBytesPerSecondPerUser' : OWN_VALUES
    this.log.warn(details, `Client publishes faster than ${whose} allows, and is read more slowly: ${text}`)
  }

  /** Ends the timer. */
  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#slowed.clear()
  }

  /** @param kept what it still has. */
  #leave({ client, clientId, own, user }: PublishRate, kept?: PublishRate): void {
    const nowMs = performance.now()
    if (own !== undefined && own !== kept?.own) this.#ofClients.leave(clientId, own, nowMs)
    if (user !== undefined && user !== kept?.user) this.#ofUsers.leave(client.owner!, user, nowMs)
  }

  #slow(rate: PublishRate): void {
    this.#slowed.add(rate)
    this.#timer ??= setInterval(() => this.#wake(), INTERVAL_MS)
  }

  #wake(): void {
    const nowMs = performance.now()
    for (const rate of this.#slowed) {
      if (rate.waits(nowMs)) continue
      this.#slowed.delete(rate)
      rate.client.reading.resume(Pause.Rate)
    }
    if (this.#slowed.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/** Of all clients and users. */
export interface PublishRatesRecord {
  readonly ofClients: PublishBucketsRecord
  readonly ofUsers: PublishBucketsRecord
}

const ownLimits = (config: HandlerConfig) => ({
  messages: config.maximumPublishRate,
  bytes: config.maximumPublishBytesPerSecond,
})

const userLimits = (config: HandlerConfig) => ({
  messages: config.maximumPublishRatePerUser,
  bytes: config.maximumPublishBytesPerSecondPerUser,
})

const OWN_VALUES = 'maximumPublishRate or maximumPublishBytesPerSecond'

/** The limits of one client, and what it has published lately. */
export class PublishRate {
  readonly client: RatedClient
  readonly clientId: string
  readonly own: PublishBucket | undefined
  readonly user: PublishBucket | undefined
  readonly #rates: PublishRates
  #untilMs: number
  /** Whether the limit that was reached is that of its user. */
  isOfUser: boolean

  constructor(
    client: RatedClient,
    clientId: string,
    own: PublishBucket | undefined,
    user: PublishBucket | undefined,
    rates: PublishRates,
    continued?: RateRecord,
  ) {
    this.client = client
    this.clientId = clientId
    this.own = own
    this.user = user
    this.#rates = rates
    this.#untilMs = continued?.untilMs ?? 0
    this.isOfUser = continued?.isOfUser ?? false
  }

  handOver(): RateRecord {
    return { untilMs: this.#untilMs, isOfUser: this.isOfUser, isSlowed: this.#rates.isSlowed(this) }
  }

  /** Charges the client for messages that it has published. If they were too many, the broker stops reading from it. */
  charge(messages: number, bytes: number): void {
    if (this.#take(messages, bytes, performance.now())) this.#rates.slowDown(this)
  }

  /** Whether a run of messages is within the limits. Otherwise they are handled one by one, until the client is stopped. */
  allows(messages: number, bytes: number): boolean {
    const nowMs = performance.now()
    return this.own?.has(messages, bytes, nowMs) !== false && this.user?.has(messages, bytes, nowMs) !== false
  }

  /** Whether it has to wait longer. The other clients of its user may have published meanwhile. */
  waits(nowMs: number): boolean {
    return nowMs < this.#untilMs || this.#take(0, 0, nowMs)
  }

  #take(messages: number, bytes: number, nowMs: number): boolean {
    const ownMs = this.own?.take(messages, bytes, nowMs) ?? 0
    const userMs = this.user?.take(messages, bytes, nowMs) ?? 0
    this.isOfUser = userMs > ownMs
    this.#untilMs = nowMs + Math.max(ownMs, userMs)
    return this.#untilMs > nowMs
  }
}
