import { rangesEqual } from '../collections/ranges-equal.ts'
import { Message } from './message.ts'
import type { Publish } from './publish.ts'

/**
 * The maximum size of a run, in bytes. A connection gets a run at once, so this bounds by how much it can exceed its maximum of
 * pending bytes. The router bounds the number of deliveries (`limit`).
 */
const MAXIMUM_RUN_BYTES = 16 * 1024

/** The maximum number of packets of a run at QoS 1: each packet is answered and has a Packet Identifier for each subscriber. */
export const MAXIMUM_ACKNOWLEDGED = 256

/**
 * PUBLISH packets at QoS 0, or at QoS 1, that are consecutive in the received bytes and differ only in their payloads and
 * Packet Identifiers. RETAIN and DUP are 0. Under load most packets arrive in runs, since a fast publisher fills a read with
 * packets on one topic. A run is checked once, authorized once, routed once and forwarded once to each subscriber. That saves
 * nearly half of the time with one publisher and one subscriber, and a third with 1,000 subscribers.
 *
 * The object is reused and lent, like `Publish`. A stage that has to treat the packets differently, or changes them, takes them
 * one by one.
 */
export class PublishRun {
  #message = new Message()
  #payloadFormatUtf8 = false
  #count = 0
  #end = 0
  #longest = 0
  /** -1 until it is asked for. */
  #payloadBytes = -1
  /** Of the bytes of the last message. Chunks mostly lie in the same memory. */
  #view: DataView = new DataView(new ArrayBuffer(0))

  /** The message of the first packet, with `frameVersion`; the run starts where its frame does. */
  get message(): Message {
    return this.#message
  }

  /** At QoS 1, the Packet Identifiers of the packets, in their order. */
  readonly packetIdentifiers = new Uint16Array(MAXIMUM_ACKNOWLEDGED)

  /** At QoS 1, the positions of these identifiers, in bytes from the start of the run. */
  readonly packetIdentifiersAt = new Uint16Array(MAXIMUM_ACKNOWLEDGED)

  /** Whether its packets are in the form of MQTT 5.0, with Properties behind the Packet Identifier. Only at QoS 1. */
  get isVersion5(): boolean {
    return this.#message.payloadStart > this.#message.topicEnd + 2
  }

  /** Whether the Payload Format Indicator of its packets says that their payloads are UTF-8. */
  get payloadFormatUtf8(): boolean {
    return this.#payloadFormatUtf8
  }

  /** The number of packets. */
  get count(): number {
    return this.#count
  }

  /** The end of the last packet, in the bytes of the first packet's message. */
  get end(): number {
    return this.#end
  }

  /** The size of the largest packet, in bytes, before the run was shortened. */
  get longest(): number {
    return this.#longest
  }

  /** The size of all packets, in bytes. */
  get size(): number {
    return this.#end - this.#message.frameStart
  }

  /** The size of all payloads, in bytes. */
  get payloadBytes(): number {
    if (this.#payloadBytes === -1) this.#payloadBytes = this.#sumPayloads()
    return this.#payloadBytes
  }

  /**
   * Starts with a packet and adds the packets behind it that are alike.
   * @param first was checked, and its message is where its frame is.
   * @param end where the bytes that came in end.
   * @param maximumPacketSize larger packets are not added.
   * @returns whether there is more than one packet.
   */
  gather(first: Publish, end: number, maximumPacketSize: number): boolean {
    const { message } = first
    const { frameStart, frameEnd } = message
    if (message.retain || first.dup) return false
    const limit = Math.min(end, frameStart + MAXIMUM_RUN_BYTES)
    const isAcknowledged = message.qos > 0
    const view = this.#viewOf(message.bytes)
    let next = endIfAlike(view, message, frameEnd, limit)
    if (next === 0) return false
    if (isAcknowledged) this.#noteIdentifier(message, frameStart, 0)
    this.#message = message
    this.#payloadFormatUtf8 = first.payloadFormatUtf8
    this.#count = 1
    this.#end = frameEnd
    this.#longest = frameEnd - frameStart
    this.#payloadBytes = -1
    while (next !== 0 && next - this.#end <= maximumPacketSize) {
      if (isAcknowledged) {
        if (this.#count === MAXIMUM_ACKNOWLEDGED) break
        this.#noteIdentifier(message, this.#end, this.#count)
      }
      this.#longest = Math.max(this.#longest, next - this.#end)
      this.#end = next
      this.#count += 1
      next = endIfAlike(view, message, next, limit)
    }
    return this.#count > 1
  }

  /** A view from the first of these bytes to the end of their memory, so that it serves chunks of all lengths. */
  #viewOf({ buffer, byteOffset }: Uint8Array): DataView {
    const { buffer: known, byteOffset: knownOffset } = this.#view
    if (known !== buffer || knownOffset !== byteOffset) this.#view = new DataView(buffer, byteOffset)
    return this.#view
  }

  #sumPayloads(): number {
    const { bytes, frameStart, topicStart, payloadStart } = this.#message
    // If all packets are short, all have a Remaining Length of one byte.
    if (this.#longest < SHORT_PACKET) return this.size - this.#count * (payloadStart - frameStart)
    let sum = 0
    for (let start = frameStart; start < this.#end; ) {
      const length = remainingLength(bytes, start)
      sum += length
      start = bodyStart(bytes, start, this.#end) + length
    }
    return sum - this.#count * (payloadStart - (topicStart - 2))
  }

  /** Notes the Packet Identifier of the packet at `start`, which says the same as the message. */
  #noteIdentifier({ bytes, frameStart, topicStart, topicEnd }: Message, start: number, index: number): void {
    const at = bodyStart(bytes, start, bytes.length) + 2 + topicEnd - topicStart
    this.packetIdentifiers[index] = (bytes[at]! << 8) | bytes[at + 1]!
    this.packetIdentifiersAt[index] = at - frameStart
  }

  /** Keeps only so many of the first packets, at least one. The caller passes on the others after the run. */
  limit(count: number): void {
    if (count >= this.#count) return
    this.#payloadBytes = -1
    const { bytes, frameStart, frameEnd } = this.#message
    const last = this.#end
    this.#end = frameEnd
    for (this.#count = 1; this.#count < count; this.#count += 1) {
      this.#end = bodyStart(bytes, this.#end, last) + remainingLength(bytes, this.#end)
    }
    this.#longest = Math.min(this.#longest, this.#end - frameStart)
  }

  /** Lends its messages one after the other, in one reused object. To keep one, keep the result of `keep()`. */
  each(take: (message: Message) => void): void {
    const message = this.#message
    const { bytes, frameVersion } = message
    const lent = new Message()
    for (let start = message.frameStart; start < this.#end; start = lent.frameEnd) {
      const body = bodyStart(bytes, start, this.#end)
      const moved = body + 2 - message.topicStart
      const each = Message.refill(lent, bytes)
      each.topicStart = message.topicStart + moved
      each.topicEnd = message.topicEnd + moved
      each.propertiesStart = message.propertiesStart + moved
      each.propertiesEnd = message.propertiesEnd + moved
      each.payloadStart = message.payloadStart + moved
      each.payloadEnd = body + remainingLength(bytes, start)
      each.frameStart = start
      each.frameEnd = each.payloadEnd
      each.frameVersion = frameVersion
      each.qos = message.qos
      take(lent)
    }
  }
}

/** Packets of fewer bytes have a Remaining Length of one byte. */
const SHORT_PACKET = 130

/** The end of the packet at `start`, if it ends before the limit and is like the message; 0 otherwise. */
const endIfAlike = (view: DataView, message: Message, start: number, limit: number): number => {
  const { bytes, frameStart, topicStart, topicEnd, payloadStart, qos } = message
  if (start >= limit || bytes[start] !== bytes[frameStart]) return 0
  const body = bodyStart(bytes, start, limit)
  if (body === 0) return 0
  const end = body + remainingLength(bytes, start)
  const alikeStart = topicStart - 2
  if (end > limit || end - body < payloadStart - alikeStart) return 0
  // Compared from the end: consecutive topics differ there.
  const moved = body - alikeStart
  if (qos === 0) return rangesEqual(view, alikeStart, payloadStart, moved) ? end : 0
  const identifier = bytes[topicEnd + moved]! | bytes[topicEnd + moved + 1]! // [MQTT-2.2.1-3]
  const alike = rangesEqual(view, topicEnd + 2, payloadStart, moved) && rangesEqual(view, alikeStart, topicEnd, moved)
  return identifier !== 0 && alike ? end : 0
}

/** Where the body of the packet at `start` begins; 0 when its Remaining Length is not legal, or not there before `limit`. */
const bodyStart = (bytes: Uint8Array, start: number, limit: number): number => {
  let at = start + 1
  while (at < limit && at < start + 4 && bytes[at]! >= 0x80) at += 1
  const isOverlong = at > start + 1 && bytes[at] === 0
  return at < limit && bytes[at]! < 0x80 && !isOverlong ? at + 1 : 0
}

/** What the Remaining Length of the packet at `start` says, where it is legal. */
const remainingLength = (bytes: Uint8Array, start: number): number => {
  let length = 0
  let at = start + 1
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]!
    length |= (byte & 0x7f) << shift
    if (byte < 0x80) return length
  }
}
