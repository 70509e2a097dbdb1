import type { IConnackPacket, IPublishPacket, Packet } from 'mqtt-packet'
import { ClientConnection, type PersistentClient } from './connection.ts'

/** What a subscriber has of one topic. */
interface Received {
  /** The highest number. */
  last: number
  /** Numbers below it that did not come. */
  readonly missing: Set<number>
}

export interface SubscriberOptions {
  readonly index: number
  readonly protocolVersion: 4 | 5
  readonly port: number
  /** Reports a broken promise. */
  broken(what: string): void
}

/** Subscribes to all topics at QoS 2 with a stored session, and checks what comes. */
export class Subscriber implements PersistentClient {
  readonly clientId: string
  readonly protocolVersion: 4 | 5
  readonly #options: SubscriberOptions
  readonly #connection: ClientConnection
  readonly #topics = new Map<string, Received>()
  /** Packet Identifiers of messages at QoS 2 that are not released. */
  readonly #unreleased = new Set<number>()
  /** Resolves when the broker has acknowledged the subscription. */
  readonly subscribed: Promise<void>
  #subscribedOnce: () => void = () => undefined
  #isSubscribed = false
  messages = 0

  constructor(options: SubscriberOptions) {
    this.#options = options
    this.protocolVersion = options.protocolVersion
    this.clientId = `subscriber-${options.index}`
    this.subscribed = new Promise((resolve) => {
      this.#subscribedOnce = resolve
    })
    this.#connection = new ClientConnection(this, options.port)
    this.#connection.open()
  }

  /** Whether CONNACK came over the present connection. */
  get isConnected(): boolean {
    return this.#connection.isAccepted
  }

  open(): void {
    this.#connection.open()
  }

  close(): void {
    this.#connection.close()
  }

  /** Whether all numbers of a topic have come, up to this one. */
  has(topic: string, last: number): boolean {
    const received = this.#topics.get(topic)
    return last === 0 || (received !== undefined && received.last >= last && received.missing.size === 0)
  }

  /** What has not come of a topic, in words. */
  describeMissing(topic: string, last: number): string {
    const { last: highest, missing } = this.#topics.get(topic) ?? { last: 0, missing: new Set<number>() }
    const some = [...missing].slice(0, 5).join(', ')
    const gaps = missing.size === 0 ? '' : `${missing.size} below ${highest} (${some})`
    const end = highest >= last ? '' : `${highest + 1} to ${last}`
    return `${this.clientId} lacks of ${topic}: ${[gaps, end].filter((text) => text !== '').join(', ')}`
  }

  connected({ sessionPresent }: IConnackPacket): void {
    if (sessionPresent) {
      if (!this.#isSubscribed) this.#subscribe()
      return
    }
    if (this.#isSubscribed) this.#options.broken(`the session of ${this.clientId} was lost`)
    this.#unreleased.clear()
    this.#subscribe()
  }

  packet(packet: Packet): void {
    const messageId = packet.messageId ?? 0
    if (packet.cmd === 'suback') {
      this.#isSubscribed = packet.granted.every((code) => (code as number) < 0x80)
      if (this.#isSubscribed) this.#subscribedOnce()
      else this.#subscribe()
    } else if (packet.cmd === 'publish') this.#publish(packet)
    else if (packet.cmd === 'pubrel') {
      this.#unreleased.delete(messageId)
      this.#connection.send({ cmd: 'pubcomp', messageId })
    }
  }

  #subscribe(): void {
    this.#connection.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'crash/#', qos: 2 }] })
  }

  #publish(packet: IPublishPacket): void {
    const messageId = packet.messageId ?? 0
    if (packet.qos === 1) {
      this.#take(packet)
      this.#connection.send({ cmd: 'puback', messageId })
      return
    }
    if (!this.#unreleased.has(messageId)) this.#take(packet)
    this.#unreleased.add(messageId)
    this.#connection.send({ cmd: 'pubrec', messageId })
  }

  #take({ topic, payload, qos, retain }: IPublishPacket): void {
    // A retained message came because of the subscription: it is no delivery of its own.
    if (retain) return
    this.messages += 1
    const number = Number(payload.toString())
    const received = this.#topics.get(topic) ?? { last: 0, missing: new Set() }
    this.#topics.set(topic, received)
    if (number > received.last) {
      for (let missed = received.last + 1; missed < number; missed += 1) received.missing.add(missed)
      received.last = number
    } else if (received.missing.delete(number)) {
      this.#options.broken(`${this.clientId} got ${number} of ${topic} after ${received.last}`)
    } else if (qos === 2) this.#options.broken(`${this.clientId} got ${number} of ${topic} twice, at QoS 2`)
  }
}
