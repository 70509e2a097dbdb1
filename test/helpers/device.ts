import type { IPublishPacket, Packet, QoS } from 'mqtt-packet'
import { expect } from 'vitest'
import { connectPacket } from './connect-packet.ts'
import type { HandlerHarness, HarnessClient } from './handler-harness.ts'

/** How a device connects. */
export interface Connecting {
  readonly clean: boolean
  readonly outlives: boolean
  /** 0 for none, 1 for one that is due at once, 2 for one with a delay. */
  readonly will: number
  readonly receiveMaximum: number
  readonly version: 4 | 5
}

/** A client that follows the protocol over all of its connections. */
export class Device {
  readonly id: string
  client: HarnessClient | undefined
  version: 4 | 5 = 5
  /** Packets to send when the broker reads. */
  readonly toSend: Packet[] = []
  /** Messages that are not acknowledged, in their order, and whether PUBREC came. */
  readonly unacknowledged = new Map<number, { readonly publish: IPublishPacket; released: boolean }>()
  /** Packet Identifiers of received messages at QoS 2 that were not released. */
  readonly #incoming = new Set<number>()
  /** Payloads of messages at QoS 1 and 2, by topic. */
  readonly received: { readonly topic: string; readonly payload: string; readonly qos: QoS }[] = []
  readonly acknowledged: { readonly topic: string; readonly payload: string }[] = []
  #lastIdentifier = 0
  published = 0

  constructor(id: string) {
    this.id = id
  }

  get isOpen(): boolean {
    return this.client?.connection.open === true
  }

  connect(broker: HandlerHarness, { clean, outlives, will, receiveMaximum, version }: Connecting): void {
    const isClean = version === 4 ? !outlives : clean
    // Without the CONNACK of the previous connection, the client does not know whether the session is the same.
    if (isClean || (this.client !== undefined && this.client.connack === undefined)) this.unacknowledged.clear()
    this.version = version
    this.client = broker.open(version)
    this.toSend.length = 0
    const message = { topic: 't/will', payload: Buffer.from(`${this.id} will`), qos: 1 as const, retain: false }
    const delayed = { ...message, properties: { willDelayInterval: 60 } }
    const properties = { sessionExpiryInterval: outlives ? 3_600 : 0, receiveMaximum }
    this.#play(
      connectPacket({
        clientId: this.id,
        clean: isClean,
        protocolVersion: version,
        ...(will === 0 ? {} : { will: will === 1 || version === 4 ? message : delayed }),
        ...(version === 5 ? { properties } : {}),
      }),
    )
  }

  publish(topic: string, qos: QoS, retain: boolean): void {
    this.published += 1
    const payload = `${this.id} ${this.published}`
    const publish: IPublishPacket = { cmd: 'publish', topic, payload, qos, dup: false, retain }
    if (qos > 0) {
      this.#lastIdentifier = (this.#lastIdentifier % 60_000) + 1
      publish.messageId = this.#lastIdentifier
      this.unacknowledged.set(publish.messageId, { publish, released: false })
    }
    this.toSend.push(publish)
  }

  /** Sends its packets as long as the broker reads. */
  pump(): void {
    while (this.isOpen && this.client?.connection.paused === false && this.client.connack !== undefined) {
      const next = this.toSend.shift()
      if (next === undefined) break
      this.#play(next)
    }
  }

  /** It reads again. */
  drain(): void {
    if (this.client === undefined) return
    this.client.connection.congested = false
    for (const packet of this.client.drain()) this.#take(packet)
  }

  /** Handles the received packets. */
  look(): void {
    const { client } = this
    if (client !== undefined) for (const packet of client.sent.splice(0)) this.#take(packet)
  }

  #play(packet: Packet): void {
    for (const answer of this.client!.take(packet)) this.#take(answer)
  }

  #take(packet: Packet): void {
    switch (packet.cmd) {
      case 'connack':
        expect(packet.reasonCode ?? packet.returnCode).toBe(0)
        this.client!.connack = packet
        this.#resume(packet.sessionPresent)
        break
      case 'publish':
        this.#receive(packet)
        break
      case 'pubrel':
        this.#incoming.delete(packet.messageId!)
        this.toSend.push({ cmd: 'pubcomp', messageId: packet.messageId! })
        break
      case 'puback':
        this.#acknowledge(packet.messageId!, true)
        break
      case 'pubrec':
        this.#acknowledge(packet.messageId!, false)
        break
      case 'pubcomp':
        this.unacknowledged.delete(packet.messageId!)
        break
      case 'disconnect':
        expect(packet.reasonCode).toBe(0x8e) // taken over
    }
  }

  #resume(sessionPresent: boolean): void {
    if (!sessionPresent) {
      this.unacknowledged.clear()
      this.#incoming.clear()
      return
    }
    const again = [...this.unacknowledged].map(
      ([messageId, { publish, released }]): Packet =>
        released ? { cmd: 'pubrel', messageId } : { ...publish, dup: true },
    )
    this.toSend.unshift(...again)
  }

  #receive({ topic, payload, qos, messageId }: IPublishPacket): void {
    if (qos === 0) return
    if (qos === 1) this.toSend.push({ cmd: 'puback', messageId: messageId! })
    else this.toSend.push({ cmd: 'pubrec', messageId: messageId! })
    if (qos === 2 && this.#incoming.has(messageId!)) return
    if (qos === 2) this.#incoming.add(messageId!)
    this.received.push({ topic, payload: payload.toString(), qos })
  }

  #acknowledge(messageId: number, isOver: boolean): void {
    const message = this.unacknowledged.get(messageId)
    if (message === undefined) return
    const { topic, payload } = message.publish
    if (!message.released) this.acknowledged.push({ topic, payload: payload.toString() })
    if (isOver) this.unacknowledged.delete(messageId)
    else {
      message.released = true
      this.toSend.push({ cmd: 'pubrel', messageId })
    }
  }
}
