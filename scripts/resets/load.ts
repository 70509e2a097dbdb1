/** A process with clients of all versions and QoS over one transport, which publish at a steady rate until they are told to finish. */

import { setTimeout as sleep } from 'node:timers/promises'
import { ClosedLoop } from '../../bench/generator/closed-loop.ts'
import { inParallel } from '../../bench/generator/in-parallel.ts'
import { Publisher } from '../../bench/generator/publisher.ts'
import { Subscriber } from '../../bench/generator/subscriber.ts'
import type { Faults, Qos, Version } from '../../bench/plan.ts'
import { ByteClient } from './byte-client.ts'
import { LoadMeter } from './load-meter.ts'
import type { LoadEvent, LoadPlan, LoadRequest, LoadResult } from './protocol.ts'

const tickMs = 10
const byteIntervalMs = 20
const progressIntervalMs = 500
/** After this time without a delivery no more are expected. */
const stallMs = 10_000
const connectConcurrency = 20
const payloadBytes = 64
/** Some messages need several reads. */
const largePayloadBytes = 8_000
const largeEvery = 25

const tell = (event: LoadEvent): Promise<void> =>
  new Promise((resolve) => {
    process.send?.(event, () => resolve())
  })

class Load {
  /** By QoS. */
  readonly meters = [new LoadMeter(), new LoadMeter(), new LoadMeter()] as const
  readonly #plan: LoadPlan
  readonly #loop = new ClosedLoop()
  readonly #publishers: Publisher[] = []
  readonly #subscribers: Subscriber[] = []
  readonly #byteClients: ByteClient[] = []
  #timers: NodeJS.Timeout[] = []

  constructor(plan: LoadPlan) {
    this.#plan = plan
  }

  /** Connects all, and begins to publish. */
  async begin(): Promise<void> {
    const { pairs, byteClients, perSecond } = this.#plan
    const connecting = Array.from({ length: pairs }, (_, index) => () => this.#connectPair(index))
    await inParallel(connecting, connectConcurrency, (connect) => connect())
    const indices = Array.from({ length: byteClients }, (_, index) => index)
    await inParallel(indices, connectConcurrency, (index) => this.#connectByteClient(index))
    this.#publish(perSecond)
    const sendBytes = () => {
      for (const client of this.#byteClients) client.sendByte()
    }
    this.#timers.push(setInterval(sendBytes, byteIntervalMs))
  }

  /** Stops publishing, waits for what is under way and counts the faults. */
  async finish(): Promise<LoadResult> {
    for (const timer of this.#timers) clearInterval(timer)
    for (const client of this.#byteClients) client.sendRest()
    await this.#drain()
    for (const subscriber of this.#subscribers) subscriber.judge()
    for (const [index, { inFlight }] of this.#publishers.entries()) {
      this.meters[qosOf(index)].faults.missingAcknowledgements += inFlight
    }
    for (const client of this.#byteClients) client.judge()
    for (const client of [...this.#publishers, ...this.#subscribers]) client.destroy()
    return this.#result()
  }

  async #connectPair(index: number): Promise<void> {
    const { transport } = this.#plan
    const qos = qosOf(index)
    const version = (shift: number): Version => (((index >> shift) & 1) === 0 ? 4 : 5)
    const bytes = index % largeEvery === 0 ? largePayloadBytes : payloadBytes
    const topic = `resets/${transport}/${index}/value`
    const publication = { stream: index, topics: [topic], qos, payloadBytes: bytes, userProperties: 0, subscribers: 1 }
    const meter = this.meters[qos]
    const window = Number.POSITIVE_INFINITY
    const publisher = new Publisher(this.#plan, version(0), meter, { ...publication, window }, this.#loop)
    const subscriber = new Subscriber(this.#plan, version(1), meter, { publishers: [publisher], payloadBytes: bytes })
    this.#publishers[index] = publisher
    this.#subscribers[index] = subscriber
    await subscriber.connect(`resets-${transport}-subscriber-${index}`, index % 4 === 0)
    await subscriber.subscribe([topic], qos)
    await publisher.connect(`resets-${transport}-publisher-${index}`)
  }

  async #connectByteClient(index: number): Promise<void> {
    const versions = [3, 4, 5] as const
    const version = versions[Math.floor(index / 3) % 3]!
    const qos = qosOf(index)
    const id = `resets-${this.#plan.transport}-bytes-${index}`
    this.#byteClients.push(await ByteClient.open(this.#plan, id, version, qos, this.meters[qos]))
  }

  /** Messages leave at times that were fixed before, publishers in turn: a broker that stands still is waited for by all of them. */
  #publish(perSecond: number): void {
    const startMs = performance.now()
    let next = 0
    const intendedMs = () => startMs + (next * 1000) / perSecond
    const tick = () => {
      for (const now = performance.now(); intendedMs() <= now; next += 1) {
        this.#publishers[next % this.#publishers.length]?.send(1, intendedMs())
      }
    }
    this.#timers.push(setInterval(tick, tickMs))
  }

  get #isIdle(): boolean {
    return this.#publishers.every(({ idle }) => idle) && this.#byteClients.every(({ idle }) => idle)
  }

  async #drain(): Promise<void> {
    let [last, lastMs] = [-1, performance.now()]
    while (!this.#isIdle && performance.now() - lastMs < stallMs) {
      await sleep(10)
      const progress = this.meters.reduce((sum, { deliveries, acknowledged }) => sum + deliveries + acknowledged, 0)
      if (progress === last) continue
      ;[last, lastMs] = [progress, performance.now()]
    }
    // Waits a moment for what must not come: duplicates.
    await sleep(100)
  }

  #result(): LoadResult {
    const { meters } = this
    const by = (fault: keyof Faults) => meters.map(({ faults }) => faults[fault]) as [number, number, number]
    const sum = (...faults: (keyof Faults)[]) => faults.flatMap(by).reduce((total, count) => total + count, 0)
    const total = (count: 'published' | 'deliveries') => meters.reduce((all, meter) => all + meter[count], 0)
    const sentAtMs = meters.flatMap((meter) => meter.sentAtMs.map((atMs) => performance.timeOrigin + atMs))
    return {
      published: total('published'),
      delivered: total('deliveries'),
      disconnected: sum('disconnected'),
      lost: by('lost'),
      doubled: by('duplicated'),
      reordered: sum('reordered'),
      wrong: sum('misrouted', 'damaged', 'wrongAcknowledgements', 'missingAcknowledgements'),
      endings: meters.flatMap(({ endings }) => endings),
      sentAtMs: Float64Array.from(sentAtMs),
      latencyMs: Float64Array.from(meters.flatMap(({ latencyMs }) => latencyMs)),
    }
  }
}

const qosOf = (index: number): Qos => (index % 3) as Qos

let load: Load | undefined

const faultsOf = ({ meters }: Load): number =>
  meters.reduce((sum, { faults }) => sum + faults.disconnected + faults.wrongAcknowledgements + faults.misrouted, 0)

const take = async (request: LoadRequest): Promise<void> => {
  if (request.type === 'begin') {
    const begun = new Load(request.plan)
    await begun.begin()
    load = begun
    await tell({ type: 'ready' })
    const progress = () => {
      const published = begun.meters.reduce((sum, meter) => sum + meter.published, 0)
      void tell({ type: 'progress', published, faults: faultsOf(begun) })
    }
    setInterval(progress, progressIntervalMs).unref()
    return
  }
  await tell({ type: 'finished', result: await load!.finish() })
  process.exit(0)
}

process.on('message', (request: LoadRequest) => {
  take(request).catch(async (error: unknown) => {
    await tell({ type: 'failed', reason: error instanceof Error ? error.message : String(error) })
    process.exit(1)
  })
})
process.once('disconnect', () => process.exit(1))
