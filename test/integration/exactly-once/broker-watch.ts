import type { IPublishPacket, Packet } from 'mqtt-packet'
import type { QueuedMessage, StoreRecord } from '../../../src/kinds/store.ts'
import { type BrokerListener, type ClientSettings, fail, payloadOf, type Surroundings } from './surroundings.ts'
import type { Wire } from './wire.ts'

/**
 * Stands at the broker's end of the connections of one client, where it sees what the broker has sent and received when it
 * sends a packet: whether a Packet Identifier is free, a window open, an answer due, and what it promises durable.
 */
export class BrokerWatch implements BrokerListener {
  readonly #settings: ClientSettings
  readonly #surroundings: Surroundings
  /** By Packet Identifier, the payloads of messages that the client has not acknowledged, as far as the broker knows. */
  readonly #inUse = new Map<number, { readonly payload: string; released: boolean }>()
  readonly #exchanges = new WeakMap<Wire, Exchange>()
  /** The connection that was accepted last. */
  #accepted: Wire | undefined

  constructor(settings: ClientSettings, surroundings: Surroundings) {
    this.#settings = settings
    this.#surroundings = surroundings
  }

  get finished(): boolean {
    return this.#inUse.size === 0
  }

  /** The broker has started again with the durable state. */
  restarted(queue: readonly QueuedMessage[]): void {
    this.#inUse.clear()
    this.#accepted = undefined
    // PUBREL goes out in the order of PUBREC, after a restart as well.
    for (const { packetIdentifier, message, pubrecOrder } of queue.toSorted((a, b) => a.pubrecOrder - b.pubrecOrder)) {
      if (packetIdentifier === 0) continue
      const released = pubrecOrder > 0
      this.#inUse.set(packetIdentifier, { payload: released ? '' : message.payload.toString(), released })
    }
  }

  /** A packet of the client is about to reach the broker. */
  brokerReceives(packet: Packet, wire: Wire): void {
    const { window, expected } = this.#exchangeOf(wire)
    const identifier = packet.messageId!
    switch (packet.cmd) {
      case 'publish':
        expected[packet.qos === 1 ? 'puback' : 'pubrec'].push({ identifier, payload: payloadOf(packet) })
        break
      case 'pubrel':
        expected.pubcomp.push({ identifier, payload: '' })
        break
      case 'pubrec': {
        const message = this.#inUse.get(identifier)
        if (message !== undefined) {
          message.released = true
          // To the end: PUBREL goes out in the order of PUBREC.
          this.#inUse.delete(identifier)
          this.#inUse.set(identifier, message)
        }
        expected.pubrel.push({ identifier, payload: '' })
        break
      }
      case 'puback':
      case 'pubcomp':
        this.#inUse.delete(identifier)
        window.delete(identifier)
        break
    }
  }

  /** The broker sends a packet. */
  brokerSends(packet: Packet, wire: Wire): void {
    switch (packet.cmd) {
      case 'connack':
        if (this.#accepted?.connection.open === true) this.#fail('the earlier connection is still open') // [MQTT-3.1.4-3]
        this.#accepted = wire
        break
      case 'publish':
        this.#publish(packet, wire)
        break
      case 'puback':
      case 'pubrec':
      case 'pubcomp':
        this.#answer(packet.cmd, packet.messageId!, wire)
        break
      case 'pubrel':
        this.#pubrel(packet.messageId!, wire)
        break
    }
  }

  #publish(packet: IPublishPacket, wire: Wire): void {
    const identifier = packet.messageId!
    const payload = payloadOf(packet)
    const { sent, window, resending } = this.#exchangeOf(wire)
    // PUBREL waits until all PUBREC packets are durable; messages need not.
    if (resending.length > 0 && !this.#isPending('pubrec', () => true)) {
      this.#fail(`'${payload}' was sent before PUBREL for ${resending[0]}`) // [MQTT-4.4.0-1]
    }
    const known = this.#inUse.get(identifier)
    if (sent.has(identifier) && known !== undefined) this.#fail(`${identifier} was sent twice over one connection`)
    if (packet.dup && known?.payload !== payload) this.#fail(`${identifier} is '${payload}' with DUP 1, unsent before`)
    if (!packet.dup && known !== undefined) this.#fail(`${identifier} is in use, not free for '${payload}'`) // [MQTT-2.2.1-4]
    if (known?.released === true) this.#fail(`${identifier} was sent again as PUBLISH after its PUBREC`) // [MQTT-4.3.3-6]
    if (packet.qos === 2 && this.#isAssignmentPending(identifier)) {
      this.#fail(`${identifier} of '${payload}' is not durable, and the client will remember it`)
    }
    this.#inUse.set(identifier, { payload, released: false })
    sent.add(identifier)
    window.add(identifier)
    const { version, receiveMaximum } = this.#settings
    const limit = Math.min(version === 5 ? receiveMaximum : 65_535, this.#surroundings.config.maximumInflight)
    if (window.size > limit) this.#fail(`${window.size} messages are out, over Receive Maximum ${limit}`) // [MQTT-4.9.0-2]
  }

  #pubrel(identifier: number, wire: Wire): void {
    const { resending, expected } = this.#exchangeOf(wire)
    if (this.#inUse.get(identifier)?.released !== true) this.#fail(`PUBREL for ${identifier}, without a PUBREC`)
    if (this.#isPending('pubrec', () => true)) {
      // Its own may be among them, and not be durable: then it would be sent again after a crash.
      const own = this.#surroundings.store.read(this.#settings.id, 0, 1_000)
      const sequence = own.find((queued) => queued.packetIdentifier === identifier)?.sequence
      if (this.#isPending('pubrec', (record) => 'sequence' in record && record.sequence === sequence)) {
        this.#fail(`PUBREL for ${identifier} before its PUBREC is durable`)
      }
    }
    if (resending[0] === identifier) resending.shift()
    else if (resending.length === 0 && expected.pubrel[0]?.identifier === identifier) expected.pubrel.shift()
    else this.#fail(`PUBREL for ${identifier} out of order`) // [MQTT-4.6.0-4]
  }

  /** [MQTT-4.6.0-2] [MQTT-4.6.0-3], and nothing is acknowledged before it is durable. */
  #answer(cmd: 'puback' | 'pubrec' | 'pubcomp', identifier: number, wire: Wire): void {
    const due = this.#exchangeOf(wire).expected[cmd].shift()
    if (due?.identifier !== identifier) this.#fail(`${cmd} for ${identifier}, ${due?.identifier} is next`)
    const early =
      cmd === 'pubcomp'
        ? this.#isPending(
            'released',
            (record) => 'packetIdentifier' in record && record.packetIdentifier === identifier,
          )
        : this.#surroundings.store.pending.some(
            (record) => record.type === 'queued' && record.queued.message.payload.toString() === due!.payload,
          )
    if (early) this.#fail(`${cmd} for ${identifier} before it is durable`)
    const forgotten =
      cmd === 'pubrec' &&
      this.#isPending('received', (record) => 'packetIdentifier' in record && record.packetIdentifier === identifier)
    if (forgotten) this.#fail(`pubrec for ${identifier} before the identifier is durable`)
  }

  #isAssignmentPending(identifier: number): boolean {
    const isOwn = (record: StoreRecord) =>
      record.type === 'queued'
        ? record.queued.packetIdentifier === identifier
        : record.type === 'sent' && record.packetIdentifier === identifier
    return this.#isPending('queued', isOwn) || this.#isPending('sent', isOwn)
  }

  #isPending(type: StoreRecord['type'], is: (record: StoreRecord) => boolean): boolean {
    const { id } = this.#settings
    return this.#surroundings.store.pending.some(
      (record) => record.type === type && 'session' in record && record.session === id && is(record),
    )
  }

  #exchangeOf(wire: Wire): Exchange {
    const known = this.#exchanges.get(wire)
    if (known !== undefined) return known
    const released = [...this.#inUse].filter(([, message]) => message.released).map(([identifier]) => identifier)
    const expected = { puback: [], pubrec: [], pubrel: [], pubcomp: [] }
    const exchange = { sent: new Set<number>(), window: new Set<number>(), resending: released, expected }
    this.#exchanges.set(wire, exchange)
    return exchange
  }

  #fail(what: string): never {
    return fail(this.#settings, `sees the broker wrong: ${what}`)
  }
}

/** What belongs to one connection. */
interface Exchange {
  /** Packet Identifiers of PUBLISH packets. */
  readonly sent: Set<number>
  /** Those that are not acknowledged. */
  readonly window: Set<number>
  /** Those for which PUBREL is sent again, in this order. */
  readonly resending: number[]
  /** What the broker owes the client, in order. */
  readonly expected: Record<'puback' | 'pubrec' | 'pubrel' | 'pubcomp', { identifier: number; payload: string }[]>
}
