import type { Duplex } from 'node:stream'
import { generate, type IConnectPacket, type IPublishPacket, type Packet, parser as packetParser } from 'mqtt-packet'
import type { Meter } from '../../bench/generator/meter.ts'
import { openSocket, type Target } from '../../bench/generator/open-socket.ts'
import { SequenceChecker } from '../../bench/generator/sequence-checker.ts'

type Version = 3 | 4 | 5
type Qos = 0 | 1 | 2

/** Shorter than a run: a broker that mixes up its deadlines over a reset ends the connection. */
const keepAliveSeconds = 5
const topicAlias = 1

/**
 * A client that sends its packets byte by byte, so that there is half of a packet at nearly every reset, and receives its own
 * messages. A client of version 5 names its topic by a Topic Alias, in both directions.
 */
export class ByteClient {
  readonly qos: Qos
  readonly #version: Version
  readonly #meter: Meter
  readonly #socket: Duplex
  readonly #topic: string
  readonly #checker = new SequenceChecker(1)
  readonly #unacknowledged = new Set<number>()
  /** The topic that the server has given an alias. */
  #aliasedTopic: string | undefined
  #sent = 0
  #unsent: Buffer = Buffer.alloc(0)
  #leaving = false
  #granted: (() => void) | undefined

  private constructor(socket: Duplex, id: string, version: Version, qos: Qos, meter: Meter) {
    this.#socket = socket
    this.#topic = `resets/bytes/${id}`
    this.#version = version
    this.qos = qos
    this.#meter = meter
    const parser = packetParser({ protocolVersion: version })
    parser.on('packet', (packet) => this.#take(packet))
    parser.on('error', (error) => this.#end(error.message))
    socket.on('data', (chunk: Buffer) => {
      meter.nowMs = performance.now()
      parser.parse(chunk)
    })
    socket
      .on('error', (error) => this.#end(error.message))
      .on('close', () => this.#end('the broker closed the connection'))
  }

  /** Resolves when it is subscribed. */
  static async open(target: Target, id: string, version: Version, qos: Qos, meter: Meter): Promise<ByteClient> {
    const client = new ByteClient(await openSocket(target), id, version, qos, meter)
    const connect: IConnectPacket = {
      cmd: 'connect',
      clientId: id,
      protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
      protocolVersion: version,
      clean: true,
      keepalive: keepAliveSeconds,
      ...(version === 5 && { properties: { topicAliasMaximum: 10 } }),
    }
    client.#write(connect)
    client.#write({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: client.#topic, qos }] })
    await new Promise<void>((resolve, reject) => {
      client.#granted = resolve
      client.#socket.once('close', () => reject(new Error(`${id}: the broker closed the connection`)))
    })
    return client
  }

  get published(): number {
    return this.#sent
  }

  /** Whether all its messages have come back and been acknowledged. */
  get idle(): boolean {
    return (
      this.#unsent.length === 0 && this.#checker.outstanding(0, this.#sent) === 0 && this.#unacknowledged.size === 0
    )
  }

  /** Sends the next byte. */
  sendByte(): void {
    if (this.#unsent.length === 0) this.#unsent = this.#nextPacket()
    this.#socket.write(this.#unsent.subarray(0, 1))
    this.#unsent = this.#unsent.subarray(1)
  }

  /** Sends the rest of a packet. */
  sendRest(): void {
    if (this.#unsent.length > 0) this.#socket.write(this.#unsent)
    this.#unsent = Buffer.alloc(0)
  }

  /** Adds its faults to those of its meter, and closes. */
  judge(): void {
    const { faults } = this.#meter
    faults.duplicated += this.#checker.duplicated
    faults.reordered += this.#checker.reordered
    faults.lost += this.#checker.missing + this.#checker.outstanding(0, this.#sent)
    faults.missingAcknowledgements += this.#unacknowledged.size
    this.#leaving = true
    this.#socket.destroy()
  }

  #nextPacket(): Buffer {
    const payload = Buffer.alloc(16)
    payload.writeUInt32BE(this.#sent)
    // The time is that of the first byte: the latency of such a message says nothing.
    const messageId = 2 + (this.#sent % 60_000)
    const packet: IPublishPacket = {
      ...{ cmd: 'publish', topic: this.#topic, payload, qos: this.qos, dup: false, retain: false },
      ...(this.qos > 0 && { messageId }),
      ...(this.#version === 5 && { topic: this.#sent === 0 ? this.#topic : '', properties: { topicAlias } }),
    }
    if (this.qos > 0) this.#unacknowledged.add(messageId)
    this.#sent += 1
    this.#meter.published += 1
    return generate(packet, { protocolVersion: this.#version })
  }

  #take(packet: Packet): void {
    const { faults } = this.#meter
    const reasonCode = (packet as { reasonCode?: number }).reasonCode ?? 0
    if (reasonCode >= 0x80) faults.wrongAcknowledgements += 1
    switch (packet.cmd) {
      case 'suback':
        this.#granted?.()
        break
      case 'publish':
        this.#receive(packet)
        break
      case 'pubrel':
        this.#write({ cmd: 'pubcomp', messageId: packet.messageId! })
        break
      case 'pubrec':
        this.#write({ cmd: 'pubrel', messageId: packet.messageId! })
        break
      case 'puback':
      case 'pubcomp':
        if (!this.#unacknowledged.delete(packet.messageId!)) faults.wrongAcknowledgements += 1
        this.#meter.acknowledged += 1
        break
      case 'disconnect':
        this.#end(`the broker sent DISCONNECT ${reasonCode}`)
        break
    }
  }

  #receive({ topic, payload, qos, messageId, properties }: IPublishPacket): void {
    if (topic !== '') this.#aliasedTopic = topic
    const named = topic === '' && properties?.topicAlias !== undefined ? this.#aliasedTopic : topic
    if (named !== this.#topic || qos !== this.qos) this.#meter.faults.misrouted += 1
    if (payload.length !== 16) this.#meter.faults.damaged += 1
    this.#checker.accept(0, (payload as Buffer).readUInt32BE(0))
    this.#meter.deliveries += 1
    if (qos === 1) this.#write({ cmd: 'puback', messageId: messageId! })
    if (qos === 2) this.#write({ cmd: 'pubrec', messageId: messageId! })
  }

  /** What is not PUBLISH leaves whole, and not within a packet that is under way. */
  #write(packet: Packet): void {
    const bytes = generate(packet, { protocolVersion: this.#version })
    if (this.#unsent.length === 0) this.#socket.write(bytes)
    else this.#unsent = Buffer.concat([this.#unsent, bytes])
  }

  #end(reason: string): void {
    if (this.#leaving) return
    this.#leaving = true
    this.#meter.disconnected(`${this.#topic}: ${reason}`)
  }
}
