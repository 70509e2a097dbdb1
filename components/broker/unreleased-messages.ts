import { hashOfBytes } from '../../src/collections/hash.ts'
import type { Arrival, ClientUnreleased } from '../../src/kinds/client-session.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { PacketIdentifierSet } from '../../src/mqtt/packet-identifier-set.ts'
import type { Publish } from '../../src/mqtt/publish.ts'
import type { BrokerConfig } from './config.ts'
import type { BrokerCounters } from './counters.ts'
import { describeSession, type NamedSession } from './describe-session.ts'
import type { Gauges } from './gauges.ts'
import type { Journal } from './journal.ts'

/** The memory of the hash of one message, in bytes; measured. */
const CONTENT_BYTES = 50

/** Every session may hold this much, however much the other sessions hold: more than 500 consecutive identifiers. */
const FREE_BYTES = 2_048

/** The parts of the broker that the QoS 2 messages from a client use. */
export interface UnreleasedContext {
  readonly config: BrokerConfig
  readonly journal: Journal
  readonly gauges: Gauges
  readonly counters: BrokerCounters
  readonly log: Logger
}

/** The session of the client. */
export interface UnreleasedOwner extends NamedSession {
  /** Whether it outlives the connection, and so is in the store. */
  readonly persistent: boolean
}

/** Identifies the content of a message: a hash of the Topic Name and the payload. */
const contentHash = ({ bytes, topicStart, topicEnd, payloadStart, payloadEnd }: Message): number => {
  const topic = hashOfBytes(END_OF_TOPIC, 0, END_OF_TOPIC.length, hashOfBytes(bytes, topicStart, topicEnd))
  return hashOfBytes(bytes, payloadStart, payloadEnd, topic)
}

/** A byte that no Topic Name contains, so that topic and payload are separated in the hash. */
const END_OF_TOPIC = Uint8Array.of(0xff)

/**
 * The messages at QoS 2 that the client of one session has sent and not released with PUBREL: their Packet Identifiers, of
 * which the store has a copy, and with `duplicateQoS2: 'by-content'` a hash of each message, which it does not have. What all
 * sessions hold of this is bounded, and counted in `Gauges.unreleasedBytes`.
 */
export class UnreleasedMessages implements ClientUnreleased {
  readonly #session: UnreleasedOwner
  readonly #broker: UnreleasedContext

  #received = new PacketIdentifierSet()
  /**
   * Messages of earlier connections that the present connection has not sent again. They do not count towards Receive Maximum.
   * Undefined for MQTT 3, which has no Receive Maximum.
   */
  #inherited: PacketIdentifierSet | undefined
  /** By Packet Identifier, what `contentOf` gave. Undefined where it is not asked for. */
  #contents: Map<number, number> | undefined
  /**
   * Messages that were refused because a queue was full, after other subscribers had got them. A packet with DUP is the same
   * message, and is not delivered again. A packet without DUP is a new message [MQTT-4.3.3-9]. Not in the store.
   */
  #refused: PacketIdentifierSet | undefined
  /** Its part of `Gauges.unreleasedBytes`. */
  #bytes = 0

  // What was logged, once for each session.
  #reuseLogged = false
  #fullLogged = false

  /** @param handed of the predecessor, at a reset: it is counted already. */
  constructor(session: UnreleasedOwner, broker: UnreleasedContext, handed?: UnreleasedState) {
    this.#session = session
    this.#broker = broker
    if (handed === undefined) return
    this.#received = handed.received
    this.#inherited = handed.inherited
    this.#contents = handed.contents
    this.#refused = handed.refused
    this.#bytes = handed.bytes
    this.#reuseLogged = handed.reuseLogged
    this.#fullLogged = handed.fullLogged
  }

  /** For a successor. Changes nothing. */
  handOver(): UnreleasedState {
    return {
      received: this.#received,
      inherited: this.#inherited,
      contents: this.#contents,
      refused: this.#refused,
      bytes: this.#bytes,
      reuseLogged: this.#reuseLogged,
      fullLogged: this.#fullLogged,
    }
  }

  /** How many there are. */
  get size(): number {
    return this.#received.size
  }

  /** How many Packet Identifiers of refused messages there are. */
  get refused(): number {
    return this.#refused?.size ?? 0
  }

  /** How many of them the present connection has sent: they count towards Receive Maximum. */
  get ofConnection(): number {
    return this.#received.size - (this.#inherited?.size ?? 0)
  }

  /** A connection begins. */
  attach(isVersion5: boolean): void {
    this.#inherited = isVersion5 && this.#received.size > 0 ? this.#received.copy() : undefined
    this.#count()
  }

  /** Restores the Packet Identifiers of the store. */
  restore(packetIdentifiers: readonly number[]): void {
    for (const packetIdentifier of packetIdentifiers) this.#received.add(packetIdentifier)
    this.#count()
  }

  /** The session has ended. */
  end(): void {
    if (this.#received.size > 0) this.#received = new PacketIdentifierSet()
    this.#inherited = undefined
    this.#contents = undefined
    this.#refused = undefined
    this.#count()
  }

  contentOf(message: Message): number | undefined {
    if (this.#broker.config.duplicateQoS2 === 'by-identifier') return undefined
    // Some 8 units of work for each KiB.
    this.#session.recipient?.chargeWork(message.size >> 7)
    return contentHash(message)
  }

  /**
   * Classifies the message of a PUBLISH packet.
   * @param content what `contentOf` gives for its message.
   */
  arrival(publish: Publish, message: Message, content: number | undefined): Arrival {
    const { packetIdentifier, dup } = publish
    if (this.#received.has(packetIdentifier)) {
      // After a restart the content is not known, and it is not asked for if `duplicateQoS2` was changed: the identifier decides.
      const known = content === undefined ? undefined : this.#contents?.get(packetIdentifier)
      const isOther = !dup && known !== undefined && known !== content
      if (!dup) this.#reused(packetIdentifier, message, isOther)
      if (isOther) {
        this.release(packetIdentifier)
        return 'new'
      }
      this.#inherited?.delete(packetIdentifier)
      return 'known'
    }
    if (this.#refused?.has(packetIdentifier) === true) {
      if (dup) return 'refused'
      this.#refused.delete(packetIdentifier)
      this.#count()
    }
    return 'new'
  }

  /** Whether one more message may be taken, within the bounds of the config. Logged once if not. */
  hasRoomFor(packetIdentifier: number): boolean {
    const { maximumUnreleased } = this.#broker.config
    if (this.size < maximumUnreleased && this.#fits(2 * this.#received.costOf(packetIdentifier))) return true
    if (!this.#fullLogged) {
      this.#fullLogged = true
      const details = { unreleased: this.size, unreleasedBytes: this.#broker.gauges.unreleasedBytes }
      this.#warn(
        details,
        'Messages at QoS 2 refused',
        'too many are not released (maximumUnreleased, maximumTotalUnreleasedBytes)',
      )
    }
    return false
  }

  /** The message was accepted. @param content as in `arrival`. */
  add(packetIdentifier: number, content: number | undefined): void {
    this.#received.add(packetIdentifier)
    if (content !== undefined) {
      this.#contents ??= new Map()
      this.#contents.set(packetIdentifier, content)
    }
    this.#count()
    const { persistent, id: session } = this.#session
    if (persistent) this.#broker.journal.append({ type: 'received', session, packetIdentifier })
  }

  /** Marks a message that only an earlier connection has sent: it does not count towards Receive Maximum. */
  inherit(packetIdentifier: number): void {
    if (this.#session.recipient?.isVersion5 !== true) return
    this.#inherited ??= new PacketIdentifierSet()
    this.#inherited.add(packetIdentifier)
    this.#count()
  }

  /** The message was refused after other subscribers got it. It is remembered if there is room. */
  addRefused(packetIdentifier: number): void {
    this.#refused ??= new PacketIdentifierSet()
    if (!this.#fits(this.#refused.costOf(packetIdentifier))) return
    this.#refused.add(packetIdentifier)
    this.#count()
  }

  /** The client released it. @returns false when there was none. */
  release(packetIdentifier: number): boolean {
    if (!this.#received.delete(packetIdentifier)) return false
    this.#inherited?.delete(packetIdentifier)
    this.#contents?.delete(packetIdentifier)
    this.#count()
    const { persistent, id: session } = this.#session
    if (persistent) this.#broker.journal.append({ type: 'released', session, packetIdentifier })
    return true
  }

  #fits(more: number): boolean {
    const { gauges, config } = this.#broker
    if (more === 0 || this.#bytes + more <= FREE_BYTES) return true
    return gauges.unreleasedBytes + more <= config.maximumTotalUnreleasedBytes
  }

  /** Counts what it costs, here and in the store. */
  #count(): void {
    const contents = this.#contents === undefined ? 0 : this.#contents.size * CONTENT_BYTES
    const others = (this.#inherited?.bytes ?? 0) + (this.#refused?.bytes ?? 0)
    const bytes = 2 * this.#received.bytes + others + contents
    this.#broker.gauges.unreleasedBytes += bytes - this.#bytes
    this.#bytes = bytes
  }

  /** The client has lost its state, or it sends a message again without DUP. */
  #reused(packetIdentifier: number, { topic }: Message, delivered: boolean): void {
    this.#broker.counters.reusedIdentifiers += 1
    if (this.#reuseLogged) return
    this.#reuseLogged = true
    const { duplicateQoS2 } = this.#broker.config
    const what = delivered ? 'PUBLISH at QoS 2 delivered' : 'PUBLISH at QoS 2 answered and not delivered'
    const found = delivered ? 'was not released, and its content is another' : 'was not released'
    const why = 'the client lost its session state, or it repeats messages without DUP'
    const details = { topic, packetIdentifier, duplicateQoS2 }
    this.#warn(details, what, `its Packet Identifier ${found}: ${why}. Logged once for each session`)
  }

  #warn(details: object, what: string, why: string): void {
    const { text, fields } = describeSession(this.#session)
    this.#broker.log.warn({ ...fields, ...details }, `${what}: ${text}: ${why}`)
  }
}

export interface UnreleasedState {
  readonly received: PacketIdentifierSet
  readonly inherited: PacketIdentifierSet | undefined
  readonly contents: Map<number, number> | undefined
  readonly refused: PacketIdentifierSet | undefined
  readonly bytes: number
  readonly reuseLogged: boolean
  readonly fullLogged: boolean
}
