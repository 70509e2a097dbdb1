import type { QoS } from 'mqtt-packet'
import type { Connection } from '../../src/kinds/connection.ts'
import type { ByteReceiver } from '../../src/kinds/pipeline-stage.ts'
import { MAXIMUM_PACKET_SIZE } from '../../src/mqtt/fixed-header.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import type { Publish } from '../../src/mqtt/publish.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import { publishRemainingLength, publishSize } from '../../src/mqtt/publish-size.ts'
import { variableByteIntegerSize } from '../../src/mqtt/variable-byte-integer.ts'
import { encodePublish, requirePacketIdentifier } from './encode-publish.ts'
import { copyRun, EncodedRun, NO_SERIAL } from './encoded-run.ts'
import { Slab } from './slab.ts'

/** Payloads over this many bytes are sent from the message's own memory, behind the rest of their packet. */
const APART_BYTES = 16 * 1024

/**
 * PUBLISH packets to bytes, for all connections. Bytes that went out never change.
 *
 * A message that goes to many subscribers looks the same for most of them: the last packet of either form (MQTT 5.0 and before)
 * is remembered with all that shapes its bytes. At QoS 0 the same bytes go out again, at QoS 1 and 2 a copy with another Packet
 * Identifier. A large payload is copied once for all its subscribers, at any QoS, if it is only lent, and not at all if it is
 * kept (`Message.keep`). Two messages and the bytes of one run at most are held this way.
 */
export class PublishEncoder {
  readonly #slab: Slab
  /** At QoS 0 all subscribers are sent the same Buffer, which is not copied for any of them. */
  readonly #ownMemory = new Slab(0)
  readonly #last3 = new LastPublish()
  readonly #last5 = new LastPublish()
  readonly #lastRun = new EncodedRun()

  constructor(slab: Slab) {
    this.#slab = slab
  }

  /**
   * Passes on the bytes of the packet; nothing if it is larger than the client takes [MQTT-3.1.2-24].
   * @throws when there is no such packet, which is a mistake of the caller.
   */
  send(publish: Publish, connection: Connection, next: ByteReceiver): void {
    const version = connection.protocolVersion || 4
    const { message } = publish
    // The bytes as they came in: nothing is encoded, nothing allocated, and a run of packets is one copy in the end.
    if (message.frameVersion === (version === 5 ? 5 : 4) && isUnaltered(publish)) {
      if (message.frameEnd - message.frameStart <= connection.maximumPacketSize) {
        next.forward(message.bytes, message.frameStart, message.frameEnd)
      }
      return
    }
    const maximum = Math.min(connection.maximumPacketSize, MAXIMUM_PACKET_SIZE)
    const last = version === 5 ? this.#last5 : this.#last3
    const isKnown = last.is(publish)
    const size = isKnown ? last.size : publishSize(publish, version)
    if (size > maximum) return
    if (!isKnown) last.encode(publish, version, size, publish.qos === 0 ? this.#ownMemory : this.#slab)
    else if (publish.qos > 0) last.encodeAgain(publish.packetIdentifier, this.#slab)
    last.forward(next)
  }

  /**
   * Passes on the bytes of all packets of a run, as `send` does with each of them for a client without Topic Aliases and
   * Subscription Identifiers.
   * @returns false, and passes on nothing, when the client may not take all of them.
   */
  sendRun(run: PublishRun, connection: Connection, next: ByteReceiver): boolean {
    const { message } = run
    const isVersion5 = connection.protocolVersion === 5
    if (message.frameVersion === (isVersion5 ? 5 : 4)) {
      if (run.longest > connection.maximumPacketSize) return false
      next.forward(message.bytes, message.frameStart, run.end)
      return true
    }
    if (!this.#lastRun.is(run)) this.#lastRun.remember(run, isVersion5 ? 5 : 4)
    if (this.#lastRun.longest > connection.maximumPacketSize) return false
    next.bytes(this.#lastRun.bytes)
    return true
  }

  /**
   * The same at QoS 1: in the form that it came in it is copied whole. @param packetIdentifiers of the packets, in their order.
   */
  sendIdentifiedRun(
    run: PublishRun,
    packetIdentifiers: Uint16Array,
    connection: Connection,
    next: ByteReceiver,
  ): boolean {
    const isVersion5 = connection.protocolVersion === 5
    const slab = this.#slab
    const { message, count } = run
    let start: number
    if (run.isVersion5 === isVersion5) {
      if (run.longest > connection.maximumPacketSize) return false
      const { bytes, frameStart } = message
      start = copyRun(bytes, frameStart, run.end, run.packetIdentifiersAt, packetIdentifiers, count, slab)
    } else {
      const encoded = this.#lastRun
      if (!encoded.is(run)) encoded.remember(run, isVersion5 ? 5 : 4)
      if (encoded.longest > connection.maximumPacketSize) return false
      const { bytes, packetIdentifiersAt } = encoded
      start = copyRun(bytes, 0, bytes.length, packetIdentifiersAt, packetIdentifiers, count, slab)
    }
    next.forward(slab.bytes, start, slab.end)
    return true
  }
}

/** Whether the packet is the one that its message came in, which had QoS 0 and neither alias nor expiry. */
const isUnaltered = ({ message, qos, retain, dup, topicAlias, subscriptionIdentifiers }: Publish): boolean =>
  qos === 0 && retain === message.retain && !dup && topicAlias === 0 && subscriptionIdentifiers.length === 0

/** The last PUBLISH packet of a form, and what shapes its bytes but for the Packet Identifier. */
class LastPublish {
  /** Of the packet, in bytes. */
  size = 0
  /** The memory that the whole packet lies in, or all of it that precedes a payload which is sent apart. */
  #bytes: Buffer = EMPTY
  #start = 0
  #end = 0
  #payload: Buffer | undefined
  /** Where its Packet Identifier stands behind the start, at QoS 1 and 2. */
  #packetIdentifierAt = 0
  #serial = NO_SERIAL
  #qos: QoS = 0
  #retain = false
  #messageExpiryInterval = -1
  #subscriptionIdentifiers: readonly number[] = []

  is(publish: Publish): boolean {
    return (
      this.#serial === publish.message.serial &&
      this.#qos === publish.qos &&
      this.#retain === publish.retain &&
      this.#messageExpiryInterval === publish.messageExpiryInterval &&
      this.#subscriptionIdentifiers === publish.subscriptionIdentifiers &&
      publish.topicAlias === 0 &&
      !publish.dup
    )
  }

  /** Encodes a packet, and remembers it if others can look the same. */
  encode(publish: Publish, version: ProtocolVersion, size: number, slab: Slab): void {
    const { message } = publish
    const apart = message.payloadLength > APART_BYTES
    this.#serial = NO_SERIAL // in case that this throws
    this.#start = encodePublish(publish, version, !apart, slab)
    this.#bytes = slab.bytes
    this.#end = slab.end
    this.#payload = apart ? message.keep().payload : undefined
    this.size = size
    if (publish.topicAlias !== 0 || publish.dup) return
    this.#packetIdentifierAt =
      1 + variableByteIntegerSize(publishRemainingLength(publish, version)) + 2 + message.topicEnd - message.topicStart
    this.#serial = message.serial
    this.#qos = publish.qos
    this.#retain = publish.retain
    this.#messageExpiryInterval = publish.messageExpiryInterval
    this.#subscriptionIdentifiers = publish.subscriptionIdentifiers
  }

  /** Makes a copy of the bytes with another Packet Identifier, which is remembered in its place. */
  encodeAgain(packetIdentifier: number, slab: Slab): void {
    requirePacketIdentifier(packetIdentifier)
    const start = slab.take(this.#end - this.#start)
    const { bytes } = slab
    if (bytes === this.#bytes) bytes.copyWithin(start, this.#start, this.#end)
    else bytes.set(this.#bytes.subarray(this.#start, this.#end), start)
    bytes[start + this.#packetIdentifierAt] = packetIdentifier >> 8
    bytes[start + this.#packetIdentifierAt + 1] = packetIdentifier
    this.#bytes = bytes
    this.#start = start
    this.#end = slab.end
  }

  forward(next: ByteReceiver): void {
    if (this.#start === 0 && this.#end === this.#bytes.length) next.bytes(this.#bytes)
    else next.forward(this.#bytes, this.#start, this.#end)
    if (this.#payload !== undefined) next.bytes(this.#payload)
  }
}

const EMPTY = Buffer.alloc(0)
