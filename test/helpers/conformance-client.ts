import { generate, type IConnectPacket, type IPublishPacket, type Packet, type QoS } from 'mqtt-packet'
import { expect } from 'vitest'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { connectPacket } from './connect-packet.ts'
import { PATIENCE_MS } from './eventually.ts'
import { packetBytes } from './packet-bytes.ts'
import { RawClient } from './raw-client.ts'
import { type ReceivedPacket, receivedPacket } from './received-packet.ts'

export interface ConnectOptions {
  readonly version?: ProtocolVersion
  readonly clientId?: string
  /** Clean Start, or Clean Session; true unless told otherwise. */
  readonly clean?: boolean
  readonly keepalive?: number
  readonly properties?: NonNullable<IConnectPacket['properties']>
  readonly will?: NonNullable<IConnectPacket['will']>
  readonly username?: string
  readonly password?: Buffer
}

export interface PublishOptions {
  readonly qos?: QoS
  readonly retain?: boolean
  readonly properties?: NonNullable<IPublishPacket['properties']>
}

export interface SubscribeOptions {
  readonly qos?: QoS
  /** No Local. */
  readonly nl?: boolean
  /** Retain As Published. */
  readonly rap?: boolean
  /** Retain Handling. */
  readonly rh?: 0 | 1 | 2
  /** Subscription Identifier. */
  readonly identifier?: number
}

/**
 * The port of another broker to run the suite against, in order to find wrong tests: `CONFORMANCE_PORT=1883 npx vitest run
 * test/conformance`. Such a broker may close without a packet, or with a less exact Reason Code.
 */
export const otherBrokerPort = Number(process.env['CONFORMANCE_PORT'] ?? 0)

/** Replaces the packet that such a broker does not send. */
const silence: ReceivedPacket = { cmd: 'disconnect', hex: '', size: 0, properties: {} }

/**
 * A client that does nothing by itself: it sends and acknowledges as the test says, and returns every packet that comes. A
 * packet to send is an object of mqtt-packet or, for exact bytes, in the notation of `packet-bytes.ts`.
 */
export class ConformanceClient {
  readonly version: ProtocolVersion
  readonly raw: RawClient
  clientId = ''
  /** The answer to CONNECT. */
  connack: ReceivedPacket | undefined
  /** Packets that came while the test waited for another packet. */
  #kept: ReceivedPacket[] = []
  #messageId = 0

  private constructor(raw: RawClient, version: ProtocolVersion) {
    this.raw = raw
    this.version = version
  }

  static async open(port: number, version: ProtocolVersion = 5): Promise<ConformanceClient> {
    return new ConformanceClient(await RawClient.connect(port), version)
  }

  send(...packets: readonly (string | Packet)[]): this {
    for (const packet of packets) {
      const bytes = typeof packet === 'string' ? packetBytes(packet) : this.encode(packet)
      this.raw.socket.write(bytes)
    }
    return this
  }

  encode(packet: Packet): Buffer {
    return generate(packet, { protocolVersion: this.version })
  }

  sendConnect(options: ConnectOptions): this {
    const { clientId = '', version: _, ...fields } = options
    this.clientId = clientId
    return this.send(connectPacket({ clientId, ...fields }, this.version))
  }

  /** Sends CONNECT and waits for CONNACK, which must say Success. */
  async connect(options: ConnectOptions): Promise<this> {
    this.sendConnect(options)
    this.connack = await this.expect({ cmd: 'connack', [this.version === 5 ? 'reasonCode' : 'returnCode']: 0 })
    return this
  }

  /** The next packet. @throws when the connection closes instead, or nothing comes. */
  async next(): Promise<ReceivedPacket> {
    return this.#kept.shift() ?? this.#read()
  }

  /** The next packet, which must have these fields among its own. */
  async expect(fields: Record<string, unknown>): Promise<ReceivedPacket> {
    const packet = await this.next()
    expect(packet).toMatchObject(fields)
    return packet
  }

  /** The next packet of this type; others that come before it are kept. */
  async take(cmd: Packet['cmd']): Promise<ReceivedPacket> {
    const index = this.#kept.findIndex((packet) => packet.cmd === cmd)
    if (index >= 0) return this.#kept.splice(index, 1)[0]!
    for (;;) {
      const packet = await this.#read()
      if (packet.cmd === cmd) return packet
      this.#kept.push(packet)
    }
  }

  /** All packets before the answer to a PINGREQ, which proves that no other packet was under way. */
  async untilPing(): Promise<ReceivedPacket[]> {
    this.send('c0 00')
    await this.take('pingresp')
    return this.#kept.splice(0)
  }

  /** Proves that no packet is under way. */
  async expectNothing(): Promise<void> {
    expect(await this.untilPing()).toEqual([])
  }

  /** Everything until the connection closes. */
  async rest(): Promise<ReceivedPacket[]> {
    const packets = this.#kept.splice(0)
    for (;;) {
      const packet = await this.#read().catch((error: unknown) => this.#afterClose(error))
      if (packet === undefined) return packets
      packets.push(packet)
    }
  }

  /** The broker must close the connection without a packet. */
  async expectClosed(): Promise<void> {
    expect(await this.rest()).toEqual([])
  }

  /** The broker must send DISCONNECT with this Reason Code, nothing else, and close the connection. */
  async expectDisconnect(...reasonCodes: number[]): Promise<ReceivedPacket> {
    const packets = await this.rest()
    if (otherBrokerPort > 0 && (packets[0]?.reasonCode ?? 0x80) >= 0x80 && packets.length < 2) return silence
    expect(packets).toEqual([expect.objectContaining({ cmd: 'disconnect' })])
    expect(reasonCodes).toContain(packets[0]!.reasonCode)
    return packets[0]!
  }

  /** The broker must answer CONNECT with this Reason Code, or Return Code, and close the connection. */
  async expectRefusal(...codes: number[]): Promise<ReceivedPacket> {
    const packets = await this.rest()
    if (otherBrokerPort > 0 && packets.length === 0) return silence
    expect(packets).toEqual([expect.objectContaining({ cmd: 'connack', sessionPresent: false })])
    expect(codes).toContain(this.version === 5 ? packets[0]!.reasonCode : packets[0]!.returnCode)
    return packets[0]!
  }

  nextMessageId(): number {
    this.#messageId += 1
    return this.#messageId
  }

  /** Subscribes to one filter; resolves with SUBACK. */
  async subscribe(topic: string, options: SubscribeOptions = {}): Promise<ReceivedPacket> {
    const { qos = 0, identifier, ...flags } = options
    const messageId = this.nextMessageId()
    const properties = identifier === undefined ? {} : { properties: { subscriptionIdentifier: identifier } }
    this.send({ cmd: 'subscribe', messageId, subscriptions: [{ topic, qos, ...flags }], ...properties })
    const suback = await this.take('suback')
    expect(suback).toMatchObject({ messageId, granted: [qos] })
    return suback
  }

  async unsubscribe(...unsubscriptions: string[]): Promise<ReceivedPacket> {
    const messageId = this.nextMessageId()
    this.send({ cmd: 'unsubscribe', messageId, unsubscriptions })
    const unsuback = await this.take('unsuback')
    expect(unsuback).toMatchObject({ messageId })
    return unsuback
  }

  sendPublish(topic: string, payload: string | Buffer, options: PublishOptions = {}): number {
    const { qos = 0, retain = false, properties } = options
    const messageId = qos === 0 ? 0 : this.nextMessageId()
    const packet = { cmd: 'publish' as const, topic, payload, qos, retain, dup: false, messageId }
    this.send(properties === undefined ? packet : { ...packet, properties })
    return messageId
  }

  /**
   * Publishes, by default at QoS 1, and waits until the broker has taken the message: with PUBACK, PUBCOMP or, at QoS 0, an
   * answer to PINGREQ. Resolves with PUBACK or PUBREC.
   */
  async publish(topic: string, payload: string | Buffer, options: PublishOptions = {}): Promise<ReceivedPacket> {
    const qos = options.qos ?? 1
    const messageId = this.sendPublish(topic, payload, { ...options, qos })
    if (qos === 0) {
      this.send('c0 00')
      return this.take('pingresp')
    }
    const answer = await this.take(qos === 1 ? 'puback' : 'pubrec')
    expect(answer.messageId).toBe(messageId)
    if (qos === 2) {
      this.send({ cmd: 'pubrel', messageId })
      expect((await this.take('pubcomp')).messageId).toBe(messageId)
    }
    return answer
  }

  /** The next message, completely acknowledged. */
  async message(fields: Record<string, unknown> = {}): Promise<ReceivedPacket> {
    const packet = await this.take('publish')
    expect(packet).toMatchObject(fields)
    const messageId = packet.messageId!
    if (packet.qos === 1) this.send({ cmd: 'puback', messageId })
    if (packet.qos === 2) {
      this.send({ cmd: 'pubrec', messageId })
      expect((await this.take('pubrel')).messageId).toBe(messageId)
      this.send({ cmd: 'pubcomp', messageId })
    }
    return packet
  }

  /** Leaves with DISCONNECT, and waits until the broker has closed the connection. */
  async disconnect(packet: string | Packet = 'e0 00'): Promise<void> {
    this.send(packet)
    await this.rest()
  }

  /** Breaks the connection, as if the network had failed. */
  async vanish(): Promise<void> {
    this.raw.destroy()
    await this.raw.closed
  }

  #read(): Promise<ReceivedPacket> {
    const waited = new Error(`${this.clientId}: nothing came within ${PATIENCE_MS} ms`)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(waited), PATIENCE_MS)
      this.raw
        .packet()
        .then((bytes) => receivedPacket(bytes, this.version))
        .then(resolve, reject)
        .finally(() => clearTimeout(timer))
    })
  }

  /** undefined when the connection closed at the end of a packet. @throws otherwise */
  #afterClose(error: unknown): undefined {
    if (error instanceof Error && /^closed after , /.test(error.message)) return undefined
    throw error
  }
}
