import { setImmediate as nextTurn } from 'node:timers/promises'
import type { IConnectPacket, Packet } from 'mqtt-packet'
import { vi } from 'vitest'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { connectPacket } from './connect-packet.ts'
import {
  HandlerHarness,
  type HarnessClient,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from './handler-harness.ts'
import { SlowStore } from './slow-store.ts'

/** The Shared Subscription of the members. */
export const FILTER = '$share/g/a'
const TICK_MS = 200
export const refused = [{ cmd: 'connack', reasonCode: ReasonCode.ServerUnavailable, sessionPresent: false }]

export const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `${from + index}`)

export const receive = (receiveMaximum: number) => ({ properties: { sessionExpiryInterval: 3_600, receiveMaximum } })

/** Acknowledges messages at QoS 1. @returns all that come until nothing more does, with the given ones. */
export const acknowledged = (client: HarnessClient, given: readonly Packet[]): string[] => {
  const all = payloads(given)
  for (let packets = given; packets.length > 0; all.push(...payloads(packets))) {
    const sent = packets.filter(({ cmd }) => cmd === 'publish')
    packets = client.take(...sent.map(({ messageId }) => ({ cmd: 'puback', messageId: messageId! }) as const))
  }
  return all
}

/** A broker whose store cannot be read at times. The test replaces the timers before. */
export class UnreadableStoreWorld {
  store = new SlowStore()
  broker = new HandlerHarness()
  /** Attempts to read the store while it was obstructed. */
  reads = 0

  async start(config: object = {}, from = new SlowStore()): Promise<void> {
    this.broker.stop()
    this.store = from
    const limits = { maximumInflight: 2_000, initialInflight: 2_000 }
    this.broker = new HandlerHarness({ ...limits, ...config }, { store: from }, () => from.settleAll())
    await this.broker.core.restore()
  }

  /** The process ends, and another begins with what was durable. */
  restart(config: object = {}): Promise<void> {
    return this.start(config, this.store.crash())
  }

  /** The store cannot be read. @param pages that are read before. @returns ends that. */
  obstruct(pages = 0): () => void {
    const read = this.store.read.bind(this.store)
    let left = pages
    const obstructed = vi.spyOn(this.store, 'read').mockImplementation((...range) => {
      this.reads += 1
      left -= 1
      if (left < 0) throw new Error('MDB_PANIC')
      return read(...range)
    })
    return () => obstructed.mockRestore()
  }

  async tick(): Promise<void> {
    vi.advanceTimersByTime(TICK_MS)
    await nextTurn()
  }

  subscribed(clientId = 'subscriber', filter = 'a', fields: Partial<IConnectPacket> = {}): HarnessClient {
    const client = this.broker.connect(persistent(clientId, fields))
    client.take(subscribePacket({ [filter]: {} }))
    this.store.settleAll()
    client.take()
    return client
  }

  /** A persistent subscriber that is away. */
  away(clientId = 'subscriber', filter = 'a'): void {
    this.subscribed(clientId, filter).lose()
  }

  publish(from: number, to: number, qos: 1 | 2 = 1): Packet[] {
    const publisher = this.broker.connect({ clientId: 'publisher' })
    let answers: Packet[] = []
    for (const text of numbers(from, to)) {
      answers = publisher.take(publishPacket({ qos, messageId: Number(text), payload: Buffer.from(text) }))
      this.store.settleAll()
      answers.push(...publisher.take())
    }
    return answers
  }

  /** A member of the Shared Subscription that cannot be sent anything at present. */
  congestedMember(): HarnessClient {
    const member = this.broker.connect(persistent('other'))
    member.connection.congested = true
    member.take(subscribePacket({ [FILTER]: {} }))
    this.store.settleAll()
    member.take()
    return member
  }

  /** Members that are away of as many Shared Subscriptions, each with a message that cannot be read, and a connected member of all. */
  manyShared(count: number): { readonly other: HarnessClient; readonly end: () => void } {
    const topics = numbers(1, count)
    const publisher = this.broker.connect({ clientId: 'publisher' })
    for (const topic of topics) {
      this.away(`member-${topic}`, `$share/g/${topic}`)
      publisher.take(publishPacket({ topic, qos: 1, payload: Buffer.from(topic) }))
      this.store.settleAll()
    }
    const end = this.obstruct()
    const other = this.broker.connect(persistent('other'))
    other.take(subscribePacket(Object.fromEntries(topics.map((topic) => [`$share/g/${topic}`, {}]))))
    this.store.settleAll()
    other.take()
    return { other, end }
  }

  /** A client connects. @returns what it gets at once. */
  back(
    fields: Partial<IConnectPacket> = {},
    version: 4 | 5 = 5,
    clientId = 'subscriber',
  ): { readonly client: HarnessClient; readonly packets: Packet[] } {
    const client = this.broker.open(version)
    const first = client.take(connectPacket(persistent(clientId, fields)))
    this.store.settleAll()
    return { client, packets: [...first, ...client.take()] }
  }

  session(clientId = 'subscriber') {
    return this.broker.broker.session(clientId)
  }

  /** What operators see of a session, and what all of them cost. */
  counts() {
    const { waiting, inflight, connected, subscriptions } = this.session()!
    return { waiting, inflight, connected, subscriptions, bytes: this.broker.core.gauges.queuedBytes }
  }
}
