import fc from 'fast-check'
import type { Packet } from 'mqtt-packet'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { runs } from '../../test/helpers/full-run.ts'
import {
  HandlerHarness,
  type HarnessClient,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'

/** Messages in a page of the store: fewer than the broker asks for. */
const SMALL_PAGE = 3

/** A subscriber that follows the specification, and what it has got. */
class Subscriber {
  readonly got: string[] = []
  /** Packet Identifiers of QoS 2 messages that are not released. */
  readonly #received = new Set<number>()
  #client: HarnessClient | undefined
  /** Packets that it has not handled. */
  #arrived: Packet[] = []

  get isConnected(): boolean {
    return this.#client?.connection.open === true
  }

  connect(client: HarnessClient, settle: () => void): void {
    this.#client = client
    const properties = { sessionExpiryInterval: 3_600, receiveMaximum: 5 }
    this.#arrived = client.take(connectPacket(persistent('subscriber', { properties })))
    settle()
  }

  subscribe(): void {
    this.#client!.take(subscribePacket({ 'a/#': {} }))
  }

  lose(): void {
    if (this.isConnected) this.#client!.lose()
    this.#client = undefined
    this.#arrived = []
  }

  /** Handles so many packets. @returns whether there was one. */
  handle(count: number, settle: () => void): boolean {
    if (this.#client === undefined) return false
    this.#arrived.push(...this.#client.sent.splice(0))
    const packets = this.#arrived.splice(0, count)
    for (const packet of packets) this.#handle(packet, settle)
    return packets.length > 0
  }

  #handle(packet: Packet, settle: () => void): void {
    const messageId = 'messageId' in packet ? packet.messageId! : 0
    if (packet.cmd === 'pubrel') {
      this.#received.delete(messageId)
      this.#send({ cmd: 'pubcomp', messageId })
    } else if (packet.cmd === 'publish' && packet.qos === 1) {
      this.got.push(packet.payload.toString())
      this.#send({ cmd: 'puback', messageId })
    } else if (packet.cmd === 'publish') {
      if (!this.#received.has(messageId)) this.got.push(packet.payload.toString())
      this.#received.add(messageId)
      this.#send({ cmd: 'pubrec', messageId })
    }
    settle()
  }

  #send(packet: Packet): void {
    if (this.isConnected) this.#arrived.push(...this.#client!.take(packet))
  }
}

type Step =
  | { readonly type: 'publish'; readonly qos: 1 | 2; readonly count: number }
  | { readonly type: 'handle'; readonly count: number }
  | { readonly type: 'obstruct'; readonly pages: number }
  | { readonly type: 'connect' | 'lose' | 'free' | 'restart' }

const step = fc.oneof(
  fc.record({ type: fc.constant('publish' as const), qos: fc.constantFrom(1 as const, 2 as const), count: fc.nat(12) }),
  fc.record({ type: fc.constant('handle' as const), count: fc.nat(12) }),
  fc.record({ type: fc.constant('obstruct' as const), pages: fc.nat(3) }),
  fc.record({
    type: fc.constantFrom('connect' as const, 'connect' as const, 'lose' as const, 'free' as const, 'restart' as const),
  }),
) as fc.Arbitrary<Step>

class World {
  #store = new SlowStore()
  broker = new HandlerHarness()
  readonly subscriber = new Subscriber()
  readonly published: { readonly text: string; readonly qos: 1 | 2 }[] = []
  /** Pages that can be read yet. */
  #pages = Number.POSITIVE_INFINITY

  readonly #settle = (): void => this.#store.settleAll()

  async begin(from: SlowStore): Promise<void> {
    this.broker.stop()
    this.#store = from
    const read = from.read.bind(from)
    // A spy would keep everything that was read.
    from.read = (session, after, limit) => {
      this.#pages -= 1
      if (this.#pages < 0) throw new Error('MDB_PANIC')
      return read(session, after, Math.min(limit, SMALL_PAGE))
    }
    this.broker = new HandlerHarness({}, { store: from }, this.#settle)
    await this.broker.core.restore()
    this.#settle()
  }

  async do(each: Step): Promise<void> {
    const { subscriber } = this
    if (each.type === 'publish') this.#publish(each.qos, each.count)
    else if (each.type === 'handle') subscriber.handle(each.count, this.#settle)
    else if (each.type === 'obstruct') this.#pages = each.pages
    else if (each.type === 'free') this.#pages = Number.POSITIVE_INFINITY
    else if (each.type === 'connect') subscriber.connect(this.broker.open(), this.#settle)
    else subscriber.lose()
    if (each.type === 'restart') await this.begin(this.#store.crash())
    this.#settle()
  }

  #publish(qos: 1 | 2, count: number): void {
    const publisher = this.broker.connect({ clientId: 'publisher' })
    for (let messageId = 1; messageId <= count; messageId += 1) {
      const text = `${this.published.length}`
      this.published.push({ text, qos })
      publisher.take(publishPacket({ topic: `a/${qos}`, qos, messageId, payload: Buffer.from(text) }))
      this.#settle()
    }
  }

  async finish(): Promise<void> {
    await this.do({ type: 'free' })
    await this.do({ type: 'lose' })
    await this.do({ type: 'connect' })
    while (this.subscriber.handle(100, this.#settle));
  }
}

let world: World
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
})
afterEach(() => {
  world.broker.stop()
  vi.useRealTimers()
})

it('whenever the store cannot be read, QoS 1 comes at least once, QoS 2 exactly once, and each in its order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      world = new World()
      await world.begin(new SlowStore())
      await world.do({ type: 'connect' })
      world.subscriber.subscribe()
      await world.do({ type: 'free' })
      for (const each of steps) await world.do(each)
      await world.finish()
      const { subscriber, published, broker } = world
      const textsOf = (qos: 1 | 2) => published.flatMap((each) => (each.qos === qos ? [each.text] : []))
      const got = (qos: 1 | 2) => subscriber.got.filter((text) => published[Number(text)]!.qos === qos)
      expect(got(2)).toEqual(textsOf(2))
      expect([...new Set(got(1))]).toEqual(textsOf(1))
      expect(broker.broker.session('subscriber')).toMatchObject({ waiting: 0, inflight: 0 })
      expect(broker.core.gauges.queuedBytes).toBe(0)
      broker.stop()
    }),
    { numRuns: runs(1_000) },
  )
})
