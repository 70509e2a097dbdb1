import type { IConnackPacket, IPublishPacket, Packet } from 'mqtt-packet'
import {
  type BrokerListener,
  type ClientSettings,
  fail,
  type PublishedMessage,
  payloadOf,
  type Surroundings,
} from './surroundings.ts'
import { Wire } from './wire.ts'

/** A message that the client publishes, until the broker has completed it. */
interface Outgoing {
  readonly message: PublishedMessage
  /** Which packet it sends for it after a reconnect. */
  state: 'publish' | 'pubrel'
}

/**
 * A client that does what the specification says, and checks that the broker does. Its session outlives all connections;
 * it answers when it is told to.
 */
export class ModelClient {
  readonly settings: ClientSettings
  readonly #surroundings: Surroundings
  readonly #broker: BrokerListener

  // The session.
  /** By Packet Identifier, in the order they were first sent. */
  readonly #outgoing = new Map<number, Outgoing>()
  /** Packet Identifiers of QoS 2 messages that the broker has not released. */
  readonly #received = new Set<number>()
  /** Payloads of the messages delivered to the application, each as often as it was. */
  readonly delivered = new Map<string, number>()

  // The connection.
  wire: Wire | undefined
  /** The former connection, of whose end the broker does not know yet. */
  halfOpen: Wire | undefined
  #connected = false
  /** Messages that the broker takes at once. */
  #window = 0
  readonly #answers: Packet[] = []
  readonly #aliases = new Map<number, string>()

  /** @param broker hears what the broker sends to this client. */
  constructor(settings: ClientSettings, surroundings: Surroundings, broker: BrokerListener) {
    this.settings = settings
    this.#surroundings = surroundings
    this.#broker = broker
  }

  get connected(): boolean {
    return this.#connected
  }

  get mayPublish(): boolean {
    return this.#connected && this.#outgoing.size < this.#window
  }

  get answers(): number {
    return this.#answers.length
  }

  /** Nothing is left to be done in either direction. */
  get finished(): boolean {
    return this.#outgoing.size === 0 && this.#received.size === 0 && this.#answers.length === 0
  }

  connect(): void {
    const { id, version, receiveMaximum, topicAliasMaximum } = this.settings
    const { broker } = this.#surroundings
    const wire: Wire = new Wire(broker, version, (packet) => this.#broker.brokerSends(packet, wire))
    this.wire = wire
    const properties = { sessionExpiryInterval: 0xffff_ffff, receiveMaximum, topicAliasMaximum }
    const identity = { protocolId: 'MQTT', protocolVersion: version, clientId: id, clean: false, keepalive: 0 } as const
    wire.up.push({ cmd: 'connect', ...identity, ...(version === 5 ? { properties } : {}) })
  }

  publish(message: PublishedMessage): void {
    let identifier = 1
    while (this.#outgoing.has(identifier)) identifier += 1
    this.#outgoing.set(identifier, { message, state: 'publish' })
    this.#sendPublish(identifier, message, false)
  }

  /** Reads packets of the broker, without answering them yet. */
  read(count: number): void {
    for (const packet of this.wire?.down.splice(0, count) ?? []) this.#read(packet)
    const { connection, down } = this.wire ?? {}
    if (connection?.open === false && down?.length === 0) this.disconnected()
  }

  /** Sends some of the acknowledgements that it owes. */
  answer(count: number): void {
    this.wire?.up.push(...this.#answers.splice(0, count))
  }

  /** The connection is gone as far as the client knows; packets under way to it are lost. */
  disconnected(): void {
    this.wire = undefined
    this.#connected = false
    this.#answers.splice(0)
    this.#aliases.clear()
  }

  #read(packet: Packet): void {
    switch (packet.cmd) {
      case 'connack':
        this.#connack(packet)
        break
      case 'publish':
        this.#publish(packet)
        break
      case 'pubrel':
        // Answered all the same; what was lost is only the answer to the one before.
        this.#received.delete(packet.messageId!)
        this.#answers.push({ cmd: 'pubcomp', messageId: packet.messageId! })
        break
      case 'puback':
        this.#complete(packet.messageId!, 1, 'publish')
        break
      case 'pubrec':
        this.#pubrec(packet.messageId!)
        break
      case 'pubcomp':
        this.#complete(packet.messageId!, 2, 'pubrel')
        break
      case 'disconnect':
        if (packet.reasonCode !== 0x8e) fail(this.settings, `was disconnected with ${packet.reasonCode}`)
        break
      default:
        fail(this.settings, `was sent ${packet.cmd}`)
    }
    if ('reasonCode' in packet && packet.reasonCode! >= 0x80 && packet.cmd !== 'disconnect') {
      // Packet Identifier not found: the PUBREL before did arrive.
      if (packet.cmd === 'pubcomp' && packet.reasonCode === 0x92) return
      fail(this.settings, `was sent ${packet.cmd} with ${packet.reasonCode}`)
    }
  }

  #connack({ sessionPresent, properties }: IConnackPacket): void {
    if (!sessionPresent) fail(this.settings, 'has lost its session') // [MQTT-3.2.2-3]
    this.#connected = true
    this.#window = properties?.receiveMaximum ?? 10
    // [MQTT-4.4.0-1], in the order they were first sent [MQTT-4.6.0-1].
    for (const [identifier, { message, state }] of this.#outgoing) {
      if (state === 'publish') this.#sendPublish(identifier, message, true)
      else this.wire!.up.push({ cmd: 'pubrel', messageId: identifier })
    }
  }

  #publish(packet: IPublishPacket): void {
    const identifier = packet.messageId!
    const topic = this.#topicOf(packet)
    const payload = payloadOf(packet)
    const message = this.#surroundings.published.get(payload)
    if (message?.topic !== topic) fail(this.settings, `got '${payload}' on ${topic}`)
    const expectedQoS = this.#surroundings.deliveryQoS(message!, this.settings)
    if (packet.qos !== expectedQoS) fail(this.settings, `got '${payload}' at QoS ${packet.qos}, not ${expectedQoS}`)
    if (packet.qos === 1) {
      this.#deliver(message!, payload)
      this.#answers.push({ cmd: 'puback', messageId: identifier })
      return
    }
    if (!this.#received.has(identifier)) {
      this.#received.add(identifier)
      if (this.delivered.has(payload)) fail(this.settings, `got '${payload}' twice at QoS 2`) // [MQTT-4.3.3-1]
      this.#deliver(message!, payload)
    }
    this.#answers.push({ cmd: 'pubrec', messageId: identifier })
  }

  /** To the application. */
  #deliver(message: PublishedMessage, payload: string): void {
    const times = this.delivered.get(payload) ?? 0
    // [MQTT-4.6.0-5] [MQTT-4.6.0-6]: of the same publisher, on the same topic, at the same QoS; each by its first coming.
    if (times === 0) {
      for (const other of this.delivered.keys()) {
        const earlier = this.#surroundings.published.get(other)!
        const ordered = earlier.publisher === message.publisher && earlier.topic === message.topic
        if (ordered && earlier.qos === message.qos && earlier.number > message.number) {
          fail(this.settings, `got '${payload}' after '${other}'`)
        }
      }
    }
    this.delivered.set(payload, times + 1)
  }

  #pubrec(identifier: number): void {
    const outgoing = this.#outgoing.get(identifier)
    if (outgoing?.message.qos !== 2) fail(this.settings, `was sent PUBREC for ${identifier}`)
    outgoing!.state = 'pubrel'
    this.#answers.push({ cmd: 'pubrel', messageId: identifier })
  }

  #complete(identifier: number, qos: 1 | 2, state: Outgoing['state']): void {
    const outgoing = this.#outgoing.get(identifier)
    if (outgoing?.message.qos !== qos || outgoing.state !== state) {
      fail(this.settings, `was sent ${qos === 1 ? 'PUBACK' : 'PUBCOMP'} for ${identifier}, which does not wait for it`)
    }
    this.#outgoing.delete(identifier)
  }

  #sendPublish(messageId: number, { topic, qos, payload }: PublishedMessage, dup: boolean): void {
    this.wire!.up.push({ cmd: 'publish', topic, payload, qos, dup, retain: false, messageId })
  }

  #topicOf({ topic, properties }: IPublishPacket): string {
    const alias = properties?.topicAlias
    if (alias === undefined) return topic
    if (alias > this.settings.topicAliasMaximum) fail(this.settings, `was sent Topic Alias ${alias}`)
    if (topic !== '') this.#aliases.set(alias, topic)
    return this.#aliases.get(alias) ?? fail(this.settings, `was sent Topic Alias ${alias} for nothing`)
  }
}
