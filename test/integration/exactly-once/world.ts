import type { StoreRecord } from '../../../src/kinds/store.ts'
import { Message } from '../../../src/mqtt/message.ts'
import type { ControlledStore } from '../../helpers/controlled-store.ts'
import { MemoryBroker } from '../../helpers/memory-broker.ts'
import { restoredState } from '../../helpers/restored-state.ts'
import { queuedMessage, sessionRecord, subscriptionTo } from '../../helpers/store-records.ts'
import { BrokerWatch } from './broker-watch.ts'
import { ModelClient } from './model-client.ts'
import { type ClientSettings, fail, type PublishedMessage, type Surroundings } from './surroundings.ts'

const CLIENTS: readonly ClientSettings[] = [
  { id: 'a', version: 4, receiveMaximum: 65_535, topicAliasMaximum: 0, subscriptions: { 'long/+': 2, y: 2 } },
  { id: 'b', version: 5, receiveMaximum: 2, topicAliasMaximum: 1, subscriptions: { 'long/+': 2, y: 1 } },
  { id: 'c', version: 5, receiveMaximum: 65_535, topicAliasMaximum: 0, subscriptions: { 'long/+': 1, y: 2 } },
]

/** Of the handler: small windows, so that they are often full. */
const CONFIG = { receiveMaximum: 4, maximumInflight: 3 }

/** Were sent under the first and the last Packet Identifier, so that the next one is beyond the last, and not the first. */
const SEEDS = [1, 65_535].map((packetIdentifier, number): PublishedMessage & { readonly packetIdentifier: number } => ({
  publisher: 'seed',
  number,
  topic: 'long/1',
  qos: 2,
  payload: Buffer.from(`seed${number}`),
  packetIdentifier,
}))

/** What the store has of a client before the world begins. */
const beginningOf = (settings: ClientSettings): StoreRecord[] => {
  const { id: session, subscriptions } = settings
  const nowMs = performance.timeOrigin + performance.now()
  const record = sessionRecord({ id: session, expiryIntervalSeconds: 0xffff_ffff, disconnectedAtMs: nowMs })
  return [
    { type: 'session', session: record },
    ...Object.entries(subscriptions).map(
      ([filter, qos]): StoreRecord => ({
        type: 'subscribed',
        session,
        subscription: { ...subscriptionTo(filter), qos },
      }),
    ),
    ...SEEDS.map((seed): StoreRecord => {
      const { number, packetIdentifier } = seed
      const message = Message.of(seed)
      const qos = deliveryQoS(seed, settings)
      const queued = queuedMessage({ sequence: number + 1, message, qos, queuedAtMs: nowMs, packetIdentifier })
      return { type: 'queued', session, queued }
    }),
  ]
}

const deliveryQoS = ({ topic, qos }: PublishedMessage, { subscriptions }: ClientSettings): 1 | 2 =>
  Math.min(qos, subscriptions[topic.startsWith('long') ? 'long/+' : topic]!) as 1 | 2

/** A broker, its clients, and the network between them, in which nothing moves by itself. */
export class World implements Surroundings {
  readonly config = CONFIG
  readonly clients: readonly ModelClient[]
  readonly #watches = new Map<ModelClient, BrokerWatch>()
  /** By payload. */
  readonly published = new Map<string, PublishedMessage>()
  broker: MemoryBroker
  store: ControlledStore

  private constructor(broker: MemoryBroker, store: ControlledStore) {
    this.broker = broker
    this.store = store
    for (const message of SEEDS) this.published.set(message.payload.toString(), message)
    this.clients = CLIENTS.map((settings) => {
      const watch = new BrokerWatch(settings, this)
      watch.restarted(store.read(settings.id, 0, SEEDS.length))
      const client = new ModelClient(settings, this, watch)
      this.#watches.set(client, watch)
      return client
    })
  }

  /** With all clients connected, and an empty store. Their sessions are older, and so are two messages that are in flight to each of them. */
  static async begin(store: ControlledStore): Promise<World> {
    for (const settings of CLIENTS) for (const record of beginningOf(settings)) store.append(record)
    store.settleAll()
    const world = new World(await MemoryBroker.start(store, CONFIG), store)
    for (const client of world.clients) {
      client.connect()
      world.bring(client, 1)
    }
    world.settle('all')
    for (const client of world.clients) client.read(1)
    return world
  }

  watchOf(client: ModelClient): BrokerWatch {
    return this.#watches.get(client)!
  }

  deliveryQoS(message: PublishedMessage, subscriber: ClientSettings): 1 | 2 {
    return deliveryQoS(message, subscriber)
  }

  publish(client: ModelClient, topic: string, qos: 1 | 2): void {
    const { id } = client.settings
    const number = this.published.size + 1
    const payload = `${id}${number}`
    const message = { publisher: id, number, topic, qos, payload: Buffer.from(payload) }
    this.published.set(payload, message)
    client.publish(message)
  }

  /** Brings packets of the client to the broker. */
  bring(client: ModelClient, count: number): void {
    const { wire } = client
    wire?.bring(count, (packet) => this.watchOf(client).brokerReceives(packet, wire))
    this.broker.endTurn()
  }

  /** The client loses its connection. @param noticed whether the broker does, too. */
  cut(client: ModelClient, noticed: boolean): void {
    const { wire } = client
    client.disconnected()
    client.halfOpen?.connection.lose()
    client.halfOpen = wire
    if (noticed) this.notice(client)
  }

  /** The broker sees that the former connection of the client is gone, after some more packets that came over it. */
  notice(client: ModelClient, packets = 0): void {
    const { halfOpen } = client
    halfOpen?.bring(packets, (packet) => this.watchOf(client).brokerReceives(packet, halfOpen))
    halfOpen?.breakOff()
    client.halfOpen = undefined
    this.broker.endTurn()
  }

  settle(how: 'oldest' | 'all'): void {
    if (how === 'oldest') this.store.settleOldest()
    else this.store.settle()
    this.broker.endTurn()
  }

  /** The broker ends without a farewell, and another begins with what was durable. */
  async crash(): Promise<void> {
    for (const client of this.clients) this.cut(client, false)
    await this.broker.stop()
    this.store = await this.store.crash()
    this.broker = await MemoryBroker.start(this.store, this.config)
    for (const client of this.clients) {
      client.halfOpen = undefined
      this.watchOf(client).restarted(this.store.read(client.settings.id, 0, 10_000))
    }
  }

  /** Everything under way arrives, and everything is answered, until nothing moves any more. */
  calm(): void {
    for (let round = 0; round < 1_000; round += 1) {
      let moved = this.store.pending.length > 0
      this.settle('all')
      for (const client of this.clients) {
        moved ||= (client.wire?.down.length ?? 0) + client.answers > 0
        client.read(Number.POSITIVE_INFINITY)
        client.answer(Number.POSITIVE_INFINITY)
        moved ||= (client.wire?.up.length ?? 0) > 0
        this.bring(client, Number.POSITIVE_INFINITY)
      }
      if (!moved) return
    }
    throw new Error('the world does not become quiet')
  }

  /** All faults are over: what was promised is kept. */
  async end(): Promise<void> {
    for (const client of this.clients) {
      this.notice(client)
      // A CONNECT that came late over a former connection may have taken over from the present one.
      client.read(Number.POSITIVE_INFINITY)
      if (client.wire === undefined) client.connect()
    }
    this.calm()
    for (const client of this.clients) {
      for (const [payload, message] of this.published) {
        const times = client.delivered.get(payload) ?? 0
        const exactlyOnce = this.deliveryQoS(message, client.settings) === 2
        if (times === 0 || (exactlyOnce && times > 1)) fail(client.settings, `got '${payload}' ${times} times`)
      }
      if (!client.finished) fail(client.settings, 'is not finished')
      if (!this.watchOf(client).finished) fail(client.settings, 'has not acknowledged everything')
    }
    const { sessions } = await restoredState(this.store)
    for (const { id, queue, received } of sessions) {
      if (queue.count !== 0 || queue.bytes !== 0 || received.length > 0) {
        throw new Error(`the store still has ${JSON.stringify({ id, queue, received })}`)
      }
    }
  }

  async stop(): Promise<void> {
    await this.broker.stop()
    await this.store.dispose()
  }
}
