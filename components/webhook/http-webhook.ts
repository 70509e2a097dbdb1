import { setTimeout as wait } from 'node:timers/promises'
import { Backoff } from '../../src/collections/backoff.ts'
import { Change, expectSame, liveConfig, replacing } from '../../src/collections/change.ts'
import { LogInterval } from '../../src/collections/log-interval.ts'
import type { Broker } from '../../src/kinds/broker.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { ReplaceableLogger } from '../../src/kinds/replaceable-logger.ts'
import type { Webhook } from '../../src/kinds/webhook.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { WebhookConfig } from './config.ts'
import { newWebhookCounters } from './counters.ts'
import { EventQueue } from './event-queue.ts'
import { connectedEvent, disconnectedEvent, messageEvent } from './events.ts'
import type { Handover } from './handover.ts'
import { type IdentifiedBatch, identified, sendBatch } from './send-batch.ts'

/** At most one line in this time about the same trouble, in milliseconds. */
const LOG_INTERVAL_MS = 10_000

/**
 * Sends events to a service. An event costs the broker one JSON text and one entry in a queue that has a bound. Everything else happens
 * in later turns of the event loop, and a service that is slow or away costs only the events that the queue cannot hold.
 */
export class HttpWebhook implements Webhook {
  readonly name: string
  readonly counters = newWebhookCounters()
  readonly #config: WebhookConfig
  readonly #broker: Broker
  readonly #log: ReplaceableLogger
  readonly #queue: EventQueue
  readonly #stopping = new AbortController()
  readonly #fullLog = new LogInterval(LOG_INTERVAL_MS)
  readonly #failureLog = new LogInterval(LOG_INTERVAL_MS)
  readonly #dropLog = new LogInterval(LOG_INTERVAL_MS)
  /** Whether the log has the last failure, and not yet that the service works again. */
  #isFailureLogged = false
  /** Ends the subscriptions. */
  readonly #ends: (() => void)[] = []
  /** The serial number of the last message, which several filters may match. */
  #lastSerial = 0
  #timer: NodeJS.Timeout | undefined
  /** Whether the timer is for a full batch: it is not set again for each further event. */
  #isScheduled = false
  #isClosing = false
  readonly #requests = new Set<Promise<void>>()
  /** Batches whose requests a stop or a reset ended. */
  readonly #unsent: IdentifiedBatch[] = []
  failing = false
  lastFailure: string | undefined

  constructor(name: string, config: WebhookConfig, broker: Broker, log: Logger) {
    this.name = name
    this.#config = liveConfig(config)
    this.#broker = broker
    this.#log = new ReplaceableLogger(log)
    this.#queue = new EventQueue(this.#config)
  }

  get target(): string {
    return this.#config.url.origin
  }

  get queued(): number {
    return this.#queue.length
  }

  get queuedBytes(): number {
    return this.#queue.bytes
  }

  get requesting(): number {
    return this.#requests.size
  }

  /** @param handover what a predecessor has not sent. */
  start(handover?: Handover): void {
    for (const batch of handover?.batches ?? []) {
      this.#queue.adopt(batch)
      this.#request(batch)
    }
    for (const event of handover?.waiting ?? []) this.#add(event)
    this.#watch()
  }

  /**
   * Prepares another config. Events that wait are sent by it, requests under way end by the one before.
   * @throws an Error for another broker.
   */
  adjust(config: WebhookConfig, broker: Broker, log: Logger): Change {
    expectSame({ broker: this.#broker }, { broker }, 'broker')
    const former = this.#ends.slice()
    return new Change([replacing(this.#config, config), () => this.#log.replace(log), () => this.#watchAnew()], {
      done: () => {
        for (const end of former) end()
      },
    })
  }

  /** What was watched before is watched until `done` of the adjustment ends it, in the same turn. */
  #watchAnew(): () => void {
    const former = this.#ends.splice(0)
    this.#watch()
    return () => {
      for (const end of this.#ends.splice(0)) end()
      this.#ends.push(...former)
    }
  }

  #watch(): void {
    const { events, filters } = this.#config
    const [connected, disconnected] = [events.includes('connected'), events.includes('disconnected')]
    if (events.length > 0) {
      const end = this.#broker.watchClients({
        ...(connected && { connected: (client, start) => this.#add(connectedEvent(client, start)) }),
        ...(disconnected && { disconnected: (client, end) => this.#add(disconnectedEvent(client, end, Date.now())) }),
      })
      this.#ends.push(end)
    }
    for (const filter of filters) {
      this.#ends.push(this.#broker.subscribe(filter, (message) => this.#message(message)))
    }
  }

  /** Sends what is queued, for at most `drainMs`. The rest is dropped and counted. */
  async stop(): Promise<void> {
    this.#close()
    const { drainMs } = this.#config
    this.#flush()
    if (drainMs > 0 && this.#queue.length > 0) {
      const deadline = new AbortController()
      await Promise.race([this.#drained(), wait(drainMs, undefined, { signal: deadline.signal }).catch(() => {})])
      deadline.abort()
    }
    const { batches, waiting } = await this.#abandon()
    const events = batches.reduce((sum, batch) => sum + batch.events.length, waiting.length)
    if (events === 0) return
    this.counters.droppedAtStop += events
    this.#log.warn({ events }, `Webhook stopped: ${events} events for ${this.target} were not sent and are lost`)
  }

  /** Ends at once, for a reset. @returns what the successor sends. */
  suspend(): Promise<Handover> {
    this.#close()
    return this.#abandon()
  }

  /** No more events come. */
  #close(): void {
    for (const end of this.#ends.splice(0)) end()
    this.#isClosing = true
    clearTimeout(this.#timer)
  }

  /** Ends the requests. @returns all that was not sent. */
  async #abandon(): Promise<Handover> {
    this.#stopping.abort()
    await Promise.all(this.#requests)
    const batches = this.#unsent.splice(0).map(({ id, events, bytes }) => ({ id, events: [...events], bytes }))
    return { batches, waiting: [...this.#queue.drain()] }
  }

  async #drained(): Promise<void> {
    while (this.#requests.size > 0) await Promise.race(this.#requests)
  }

  #message(message: Message): void {
    if (message.serial === this.#lastSerial) return
    this.#lastSerial = message.serial
    const { payload, maximumPayloadBytes } = this.#config
    const isLeftOut = payload !== 'none' && message.payloadLength > maximumPayloadBytes
    if (isLeftOut) this.counters.withoutPayload += 1
    // While the queue is full, a message costs nothing more.
    if (!this.#queue.hasRoomFor(payload === 'none' || isLeftOut ? 1 : message.payloadLength)) this.#dropped()
    else this.#add(messageEvent(message, this.#config, Date.now()))
  }

  #add(event: string): void {
    if (!this.#queue.push(event)) {
      this.#dropped()
      return
    }
    this.counters.queued += 1
    // The request is made in a later turn, also if a batch is full: the caller is a client's packet.
    if (this.#queue.hasFullBatch && this.#requests.size < this.#config.maximumRequests) this.#schedule(0)
    else this.#timer ??= setTimeout(() => this.#due(), this.#config.batchMs)
  }

  #dropped(): void {
    this.counters.droppedFull += 1
    if (!this.#fullLog.begin()) return
    const { droppedFull } = this.counters
    this.#log.warn(
      { droppedFull, queued: this.queued, queuedBytes: this.queuedBytes },
      `Webhook dropped an event: the queue for ${this.target} is full (maximumQueuedEvents, maximumQueuedBytes), ${droppedFull} events so far`,
    )
  }

  #schedule(delayMs: number): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#due(), delayMs)
  }

  #due(): void {
    this.#timer = undefined
    this.#isScheduled = false
    this.#flush()
  }

  /** Begins as many requests as are allowed and needed. */
  #flush(): void {
    while (this.#requests.size < this.#config.maximumRequests && !this.#stopping.signal.aborted) {
      const batch = this.#queue.take()
      if (batch === undefined) return
      this.#request(identified(batch))
    }
  }

  #request(batch: IdentifiedBatch): void {
    const request = this.#deliver(batch).finally(() => {
      this.#requests.delete(request)
      this.#queue.done(batch)
      if (this.#queue.waiting === 0) return
      if (this.#isClosing) this.#flush()
      else if (this.#queue.hasFullBatch) this.#schedule(0)
      else this.#timer ??= setTimeout(() => this.#due(), this.#config.batchMs)
    })
    this.#requests.add(request)
  }

  /** Sends a batch until the service has it, refuses it, or it has failed too often, or the webhook ends. Never rejects. */
  async #deliver(batch: IdentifiedBatch): Promise<void> {
    const { maximumAttempts, minimumRetryMs, maximumRetryMs } = this.#config
    const backoff = new Backoff(minimumRetryMs, maximumRetryMs)
    const { signal } = this.#stopping
    for (let attempt = 1; ; attempt += 1) {
      this.counters.requests += 1
      const result = await sendBatch(batch, this.#config, attempt, signal)
      if (result.outcome === 'sent') {
        this.#succeeded(batch)
        return
      }
      if (signal.aborted) {
        this.#unsent.push(batch)
        return
      }
      if (result.outcome === 'refused' || attempt >= maximumAttempts) {
        this.#drop(batch, result.why, attempt)
        return
      }
      this.#failed(result.why)
      this.counters.retries += 1
      const delayMs = Math.min(maximumRetryMs, Math.max(backoff.next(), result.retryAfterMs ?? 0))
      await wait(delayMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) {
        this.#unsent.push(batch)
        return
      }
    }
  }

  #succeeded({ events }: IdentifiedBatch): void {
    this.counters.sent += events.length
    this.failing = false
    if (!this.#isFailureLogged) return
    this.#isFailureLogged = false
    this.#log.info({ queued: this.queued }, `Webhook works again: ${this.target} accepts events`)
  }

  #failed(why: string): void {
    this.lastFailure = why
    this.failing = true
    // A service that fails and works in turns writes no line for each change.
    if (!this.#failureLog.begin()) return
    this.#isFailureLogged = true
    this.#log.warn(
      { why, queued: this.queued },
      `Webhook failed: ${this.target}: ${why}. Events wait in the queue, and are sent again`,
    )
  }

  #drop({ events, id }: IdentifiedBatch, why: string, attempts: number): void {
    this.counters.droppedFailed += events.length
    this.lastFailure = why
    this.failing = true
    if (!this.#dropLog.begin()) return
    const { droppedFailed } = this.counters
    this.#log.error(
      { events: events.length, batch: id, attempts, why, droppedFailed },
      `Webhook dropped ${events.length} events for ${this.target} after ${attempts} attempts: ${why}; ${droppedFailed} events so far`,
    )
  }
}
