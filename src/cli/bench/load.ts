/** The load of `mqtt-jig bench`: publishers, subscribers, and what they measure. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { QoS } from 'mqtt-packet'
import { ClientError, type ClientOptions, MqttClient, type ReceivedMessage, refusedBy } from '../../client/index.ts'
import { LatencyHistogram } from './latency-histogram.ts'

export interface LoadOptions {
  readonly client: ClientOptions
  readonly topic: string
  readonly publishers: number
  readonly subscribers: number
  /** Whether each publisher has one subscriber; otherwise every subscriber gets everything. */
  readonly pairs: boolean
  /** Messages in a second of each publisher; 0 is as many as possible. */
  readonly rate: number
  readonly payloadBytes: number
  readonly qos: QoS
  readonly durationMs: number
  readonly maximumInFlight: number
}

/** The time at which the message was due, as a double. */
const STAMP_BYTES = 8
/** What tells a payload of this run from others. */
const RUN_BYTES = 8
export const MINIMUM_PAYLOAD_BYTES = STAMP_BYTES + RUN_BYTES
/** Connections that are opened at the same time. */
const CONNECTING = 50
/** A publisher without a rate lets others work after so many messages. */
const BURST = 64
/** The end waits for messages as long as some arrive. */
const IDLE_MS = 2_000

/** One run. */
export class Load {
  readonly latencies = new LatencyHistogram()
  readonly #options: LoadOptions
  readonly #run: Buffer
  readonly #clients: MqttClient[] = []
  readonly #publishers: MqttClient[] = []
  connected = 0
  sent = 0
  received = 0
  startedMs = 0
  /** When the last message was published, then when it arrived. */
  publishedMs = 0
  receivedMs = 0
  #isStopping = false
  #isEnding = false
  #failure: Error | undefined

  /** @param run 8 random bytes. */
  constructor(options: LoadOptions, run: Buffer) {
    this.#options = options
    this.#run = run
  }

  get total(): number {
    return this.#options.publishers + this.#options.subscribers
  }

  /** Messages that should arrive. */
  get expected(): number {
    return this.#options.pairs ? this.sent : this.sent * this.#options.subscribers
  }

  /** Ends the publishing early. */
  stop(): void {
    this.#isStopping = true
  }

  /** @throws ClientError when a client cannot connect, or is refused. */
  async connect(): Promise<void> {
    const { publishers, subscribers } = this.#options
    await this.#inParallel(subscribers, (index) => this.#connectSubscriber(index))
    await this.#inParallel(publishers, async () => void this.#publishers.push(await this.#connectClient()))
  }

  /** @throws ClientError when a connection is lost. */
  async publish(): Promise<void> {
    this.startedMs = performance.now()
    await Promise.all(this.#publishers.map((client, index) => this.#publishFrom(client, index)))
    this.publishedMs = performance.now()
    let before = -1
    while (this.received < this.expected && this.received > before && this.#failure === undefined) {
      before = this.received
      const until = performance.now() + IDLE_MS
      while (this.received < this.expected && performance.now() < until) await sleep(10)
    }
    this.receivedMs = Math.max(this.publishedMs, this.receivedMs)
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Ends all clients. */
  async end(): Promise<void> {
    this.#isEnding = true
    const ended = Promise.all(this.#clients.map((client) => client.disconnect()))
    await ended
  }

  async #inParallel(count: number, open: (index: number) => Promise<void>): Promise<void> {
    let next = 0
    const worker = async (): Promise<void> => {
      while (next < count && !this.#isStopping) {
        const index = next
        next += 1
        await open(index)
      }
    }
    await Promise.all(Array.from({ length: Math.min(CONNECTING, count) }, worker))
  }

  async #connectClient(onMessage?: (message: ReceivedMessage) => undefined): Promise<MqttClient> {
    const { client: options, maximumInFlight } = this.#options
    const clientId = `${options.clientId}-${this.#clients.length}`
    const client = new MqttClient({
      ...options,
      clientId,
      maximumInFlight,
      ...(onMessage === undefined ? {} : { onMessage }),
    })
    this.#clients.push(client)
    await client.connect()
    void client.ended.then((error) => {
      if (this.#isEnding) return
      this.#failure ??= error
      this.#isStopping = true
    })
    this.connected += 1
    return client
  }

  async #connectSubscriber(index: number): Promise<void> {
    const { topic, qos, pairs } = this.#options
    const client = await this.#connectClient((message) => this.#take(message))
    const filter = pairs ? `${topic}/${index}` : `${topic}/#`
    const [code = 0] = await client.subscribe([{ filter, qos }])
    if (code >= 0x80) throw refusedBy(`subscription to ${filter}`, code)
  }

  #take({ payload }: ReceivedMessage): undefined {
    if (payload.length < MINIMUM_PAYLOAD_BYTES || this.#run.compare(payload, STAMP_BYTES, MINIMUM_PAYLOAD_BYTES) !== 0)
      return
    const now = performance.now()
    this.received += 1
    this.receivedMs = now
    this.latencies.add(now - payload.readDoubleBE(0))
  }

  async #publishFrom(client: MqttClient, index: number): Promise<void> {
    const { rate, durationMs, qos, topic, maximumInFlight } = this.#options
    const pending = new Set<Promise<void>>()
    const endMs = this.startedMs + durationMs
    const intervalMs = rate === 0 ? 0 : 1000 / rate
    // The publishers do not send at the same moment.
    let dueMs = this.startedMs + (intervalMs * index) / this.#publishers.length
    for (let count = 1; !this.#isStopping; count += 1) {
      let now = performance.now()
      if (rate > 0 && dueMs > now) {
        await sleep(dueMs - now)
        now = performance.now()
      } else if (count % BURST === 0) await new Promise((resolve) => setImmediate(resolve))
      if ((rate > 0 ? dueMs : now) >= endMs || this.#isStopping) break
      // From the time at which it was due: a broker that stalls delays also what could not be sent meanwhile.
      const published = this.#publishOne(client, `${topic}/${index}`, rate > 0 ? dueMs : now)
      dueMs += intervalMs
      if (qos === 0) await published
      else {
        pending.add(published)
        void published.then(() => pending.delete(published))
        while (pending.size >= maximumInFlight) await Promise.race(pending)
      }
    }
    await Promise.all(pending)
  }

  /** Never rejects. */
  async #publishOne(client: MqttClient, topic: string, dueMs: number): Promise<void> {
    const { payloadBytes, qos } = this.#options
    const payload = Buffer.alloc(payloadBytes)
    payload.writeDoubleBE(dueMs, 0)
    this.#run.copy(payload, STAMP_BYTES)
    this.sent += 1
    try {
      const { reasonCode } = await client.publish({ topic, payload, qos, retain: false })
      if (reasonCode >= 0x80) throw refusedBy(`message on ${topic}`, reasonCode)
    } catch (error) {
      if (!(error instanceof ClientError)) throw error
      this.#failure ??= error
      this.#isStopping = true
    }
  }
}
