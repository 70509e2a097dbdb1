import type { Connection } from '../../src/kinds/connection.ts'
import type { ByteReceiver } from '../../src/kinds/pipeline-stage.ts'
import { MAXIMUM_PACKET_SIZE } from '../../src/mqtt/fixed-header.ts'
import { Message } from '../../src/mqtt/message.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { Publish, type PublishFields } from '../../src/mqtt/publish.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import { publishSize } from '../../src/mqtt/publish-size.ts'
import { encodePublish } from './encode-publish.ts'

/** Payloads over this many bytes are sent from the message's own memory, behind the rest of their packet. */
const APART_BYTES = 16 * 1024
/** No message has it: nothing is remembered yet. */
const NO_SERIAL = -1

/**
 * PUBLISH packets to bytes, for all connections. Bytes that went out never change, and nobody may change them.
 *
 * A message that goes to many subscribers at QoS 0 looks the same for most of them: the last packet of either form (MQTT
 * 5.0 and before) is remembered with all that shapes its bytes, and a fan-out encodes once. A large payload is copied
 * once for all its subscribers, at any QoS, if it is only lent, and not at all if it is kept (`Message.keep`). Two messages
 * and the bytes of one run at most are held this way.
 */
export class PublishEncoder {
  readonly #last3 = new LastPublish()
  readonly #last5 = new LastPublish()
  readonly #lastRun = new LastRun()

  /**
   * Passes on the bytes of the packet; nothing if it is larger than the client takes [MQTT-3.1.2-24].
   * @throws when there is no such packet, which is a mistake of whoever made it.
   */
  send(publish: Publish, connection: Connection, next: ByteReceiver): void {
    const version = connection.protocolVersion || 4
    const { message } = publish
    // The bytes as they came in: nothing is encoded, nothing allocated, and a run of packets is one copy in the end.
    if (message.frameVersion === (version === 5 ? 5 : 4) && isUnaltered(publish)) {
      if (message.frameEnd - message.frameStart <= connection.maximumPacketSize) {
        next.forward(message.bytes, message.frameStart, message.frameEnd, message.lender)
      }
      return
    }
    const maximum = Math.min(connection.maximumPacketSize, MAXIMUM_PACKET_SIZE)
    const shared = publish.qos === 0 && publish.topicAlias === 0 && !publish.dup
    const last = version === 5 ? this.#last5 : this.#last3
    if (!shared || !last.is(publish)) {
      if (publishSize(publish, version) > maximum) return
      if (!shared) {
        sendNew(publish, version, next)
        return
      }
      last.remember(publish, version)
    }
    if (last.size > maximum) return
    next.bytes(last.head)
    if (last.payload !== undefined) next.bytes(last.payload)
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
      next.forward(message.bytes, message.frameStart, run.end, message.lender)
      return true
    }
    if (!this.#lastRun.is(run)) this.#lastRun.remember(run, isVersion5 ? 5 : 4)
    if (this.#lastRun.longest > connection.maximumPacketSize) return false
    next.bytes(this.#lastRun.bytes)
    return true
  }
}

/** Whether the packet is the one that its message came in, which had QoS 0 and neither alias nor expiry. */
const isUnaltered = ({ message, qos, retain, dup, topicAlias, subscriptionIdentifiers }: Publish): boolean =>
  qos === 0 && retain === message.retain && !dup && topicAlias === 0 && subscriptionIdentifiers.length === 0

const sendNew = (publish: Publish, version: ProtocolVersion, next: ByteReceiver): void => {
  const apart = publish.message.payloadLength > APART_BYTES
  next.bytes(encodePublish(publish, version, !apart))
  if (apart) next.bytes(publish.message.keep().payload)
}

/** A PUBLISH packet at QoS 0 and what shapes its bytes. */
class LastPublish {
  /** The whole packet, or all of it that precedes a payload which is sent apart. */
  head: Buffer = EMPTY
  payload: Buffer | undefined
  /** Of the packet, in bytes. */
  size = 0
  #serial = NO_SERIAL
  #retain = false
  #messageExpiryInterval = -1
  #subscriptionIdentifiers: readonly number[] = []

  is(publish: Publish): boolean {
    return (
      this.#serial === publish.message.serial &&
      this.#retain === publish.retain &&
      this.#messageExpiryInterval === publish.messageExpiryInterval &&
      this.#subscriptionIdentifiers === publish.subscriptionIdentifiers
    )
  }

  remember(publish: Publish, version: ProtocolVersion): void {
    const { message } = publish
    const apart = message.payloadLength > APART_BYTES
    this.#serial = NO_SERIAL // in case that this throws
    this.head = encodePublish(publish, version, !apart)
    this.payload = apart ? message.keep().payload : undefined
    this.size = this.head.length + (this.payload?.length ?? 0)
    this.#serial = message.serial
    this.#retain = publish.retain
    this.#messageExpiryInterval = publish.messageExpiryInterval
    this.#subscriptionIdentifiers = publish.subscriptionIdentifiers
  }
}

/** A run in the form that it did not come in: encoded once for all who get it so. */
class LastRun {
  bytes: Buffer = EMPTY
  /** The size of its largest packet, in bytes. */
  longest = 0
  #serial = NO_SERIAL
  readonly #publish: PublishFields = new Publish()

  is(run: PublishRun): boolean {
    return this.#serial === run.message.serial
  }

  remember(run: PublishRun, version: ProtocolVersion): void {
    const packets: Buffer[] = []
    this.longest = 0
    run.each((message) => {
      this.#publish.message = message
      const packet = encodePublish(this.#publish, version, true)
      packets.push(packet)
      this.longest = Math.max(this.longest, packet.length)
    })
    this.#publish.message = NO_MESSAGE
    this.bytes = Buffer.concat(packets)
    this.#serial = run.message.serial
  }
}

const EMPTY = Buffer.alloc(0)
const NO_MESSAGE = new Message()
