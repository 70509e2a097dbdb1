import type { QoS } from 'mqtt-packet'
import type { ClientBroker } from '../../src/kinds/client-broker.ts'
import type { ClientSession, PublishOutcome } from '../../src/kinds/client-session.ts'
import type { Acknowledgement } from '../../src/mqtt/acknowledgement.ts'
import { checkPublish } from '../../src/mqtt/check-publish.ts'
import { DUP_FLAG, qosOf, RETAIN_FLAG } from '../../src/mqtt/fixed-header.ts'
import { forwardedProperties } from '../../src/mqtt/forwarded-properties.ts'
import { Message } from '../../src/mqtt/message.ts'
import { expiryOf } from '../../src/mqtt/message-expiry.ts'
import { PacketReader } from '../../src/mqtt/packet-reader.ts'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import { Publish, type PublishFields } from '../../src/mqtt/publish.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { BridgeCounters } from './counters.ts'
import { type Frame, tooLarge } from './frame-reader.ts'
import { countHops } from './hops.ts'
import type { RemoteSession } from './remote-session.ts'

export interface IncomingContext {
  readonly broker: Pick<ClientBroker, 'now'>
  readonly session: ClientSession
  /** Of all connections of the bridge. */
  readonly remoteSession: RemoteSession
  readonly counters: BridgeCounters
  readonly version: 4 | 5
  /** Undefined if hops are not looked at. */
  readonly hop: Buffer | undefined
  readonly maximumHops: number
  toLocal(topic: string): string | undefined
  /** Sends an answer once what it promises is durable. */
  answer(type: Acknowledgement, packetIdentifier: number, reasonCode: ReasonCode): void
  /** Reports that this broker refused a message. */
  refusedHere(topic: string, reasonCode: ReasonCode): void
  /** A message is given up: this broker cannot take it. @param topic at the remote broker. @param size of its packet. */
  unacceptable(topic: string, size: number, why: string): void
}

/**
 * Messages from the remote broker. The session at this broker acts as their receiver: it remembers the Packet Identifiers of QoS 2,
 * so that each message is published once, also after an outage and a restart.
 */
export class Incoming {
  readonly #context: IncomingContext
  readonly #reader = new PacketReader()

  constructor(context: IncomingContext) {
    this.#context = context
  }

  /** Takes a PUBLISH packet. @throws Error if it is not legal or too large, and may come again. */
  publish(frame: Frame): void {
    const { session, counters } = this.#context
    const problem = this.#problemOf(frame)
    if (problem !== undefined) {
      this.#drop(frame, problem)
      return
    }
    const { publish, message } = this.#read(frame)
    counters.received[publish.qos] += 1
    if (publish.qos < 2) {
      this.#deliver(publish, message, undefined)
      return
    }
    const { unreleased } = session
    const { packetIdentifier } = publish
    const content = unreleased.contentOf(publish.message)
    const arrival = unreleased.arrival(publish, publish.message, content)
    if (arrival === 'known') this.#answer(publish, ReasonCode.Success)
    else if (arrival === 'refused') this.#answer(publish, ReasonCode.QuotaExceeded)
    else if (!unreleased.hasRoomFor(packetIdentifier))
      throw new Error('it sent too many messages at QoS 2 that it did not release')
    else this.#deliver(publish, message, content)
  }

  /** Takes PUBREL: the remote broker released a Packet Identifier. */
  pubrel(packetIdentifier: number): void {
    const isKnown = this.#context.session.unreleased.release(packetIdentifier)
    const reasonCode = isKnown ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound
    this.#context.answer(PacketType.Pubcomp, packetIdentifier, reasonCode)
  }

  /** The remote broker has no state of this bridge: it may use all Packet Identifiers for new messages. */
  forget(): void {
    const { session, remoteSession } = this.#context
    const { unreleased } = session
    remoteSession.renew()
    for (let identifier = 1; identifier <= 0xffff; identifier += 1) unreleased.release(identifier)
  }

  /** @param message as it is published here; undefined if it is not carried. @param content as in `ClientUnreleased`. */
  #deliver(publish: Publish, message: Message | undefined, content: number | undefined): void {
    const { session, remoteSession } = this.#context
    if (message === undefined) {
      this.#done(publish, content, publish.message, false, ReasonCode.Success)
      return
    }
    // It is delivered even if there is no room to retain it: the remote broker does not send it again.
    const { reasonCode, isRefused, pending }: PublishOutcome = session.publish(message, false)
    if (pending === undefined) this.#done(publish, content, message, isRefused, reasonCode)
    else {
      const { number } = remoteSession
      pending.whenFinished((reason, { message: kept, isRefused: wasRefused }) => {
        // In a new session the Packet Identifier is that of another message.
        const isSameSession = !session.hasEnded && remoteSession.number === number
        if (isSameSession) this.#done(publish, content, kept, wasRefused, reason)
      })
    }
  }

  /** @param wasQueueFull whether the full queue of a subscriber refused the message, though others may have got it. */
  #done(
    publish: Publish,
    content: number | undefined,
    message: Message,
    wasQueueFull: boolean,
    reason: ReasonCode,
  ): void {
    const isRefusal = reason >= ReasonCode.UnspecifiedError
    if (isRefusal) this.#context.refusedHere(message.topic, reason)
    const { qos, packetIdentifier } = publish
    if (qos === 2) {
      const { unreleased } = this.#context.session
      // A refused message is complete [MQTT-4.3.3-9]. MQTT 3 has no code for it and continues with PUBREL.
      if (!isRefusal || this.#context.version !== 5) unreleased.add(packetIdentifier, content)
      else if (wasQueueFull) unreleased.addRefused(packetIdentifier)
    }
    if (qos > 0) this.#answer(publish, isRefusal ? reason : ReasonCode.Success)
  }

  #answer({ qos, packetIdentifier }: Publish, reasonCode: ReasonCode): void {
    this.#context.answer(qos === 1 ? PacketType.Puback : PacketType.Pubrec, packetIdentifier, reasonCode)
  }

  /** Why this broker cannot take a message. If it can, the reader is behind the variable header. */
  #problemOf({ firstByte, bytes, headerStart, start, end, size }: Frame): string | undefined {
    if (end - headerStart < size) return tooLarge(size)
    this.#reader.open(bytes, start, end, this.#context.version)
    const error = qosOf(firstByte) === 3 ? { message: 'both QoS bits are set' } : checkPublish(this.#reader, firstByte)
    return error && `it sent a PUBLISH packet that is not legal: ${error.message}`
  }

  /**
   * The connection ends, and the remote broker sends the message again over the next one: it may be another message that broke the
   * protocol. If it comes again and again, it is acknowledged, so that those behind it come. @throws Error if the connection must end.
   */
  #drop({ firstByte, bytes, start, end, size }: Frame, why: string): void {
    const { session, remoteSession, counters, version } = this.#context
    const qos = qosOf(firstByte)
    const topicEnd = start + 2 > end ? end : start + 2 + bytes.readUInt16BE(start)
    const packetIdentifier = topicEnd + 2 > end ? 0 : bytes.readUInt16BE(topicEnd)
    const isAcknowledged = (qos === 1 || qos === 2) && packetIdentifier > 0
    if (!isAcknowledged || !remoteSession.mustDrop(`${qos} ${packetIdentifier} ${size}`)) throw new Error(why)
    if (qos === 2 && !session.unreleased.hasRoomFor(packetIdentifier)) throw new Error(why)
    counters.unacceptable += 1
    this.#context.unacceptable(bytes.toString('utf8', start + 2, topicEnd), size, why)
    // MQTT 3.1.1 has no code for it and continues with PUBREL.
    if (qos === 2 && version !== 5) session.unreleased.add(packetIdentifier, undefined)
    const reasonCode = version === 5 ? ReasonCode.ImplementationSpecificError : ReasonCode.Success
    this.#context.answer(qos === 1 ? PacketType.Puback : PacketType.Pubrec, packetIdentifier, reasonCode)
  }

  /** Of a packet that was checked. @returns the packet as it came, and its message as it is published here. */
  #read({ firstByte, bytes, end }: Frame): { publish: Publish; message: Message | undefined } {
    const reader = this.#reader
    const qos = qosOf(firstByte)
    // The bridge allows none, so the remote broker may use none [MQTT-3.3.2-8].
    if (reader.topicAlias !== 0) throw new Error('it used a Topic Alias, which the bridge does not allow')
    const publish: PublishFields = new Publish()
    publish.qos = qos as QoS
    publish.dup = (firstByte & DUP_FLAG) !== 0
    publish.retain = (firstByte & RETAIN_FLAG) !== 0
    publish.packetIdentifier = qos > 0 ? reader.packetIdentifier : 0
    const [payload, topicBytes] = [
      bytes.subarray(reader.position, end),
      bytes.subarray(reader.topicStart, reader.topicEnd),
    ]
    const properties = this.#context.version === 5 ? forwardedProperties(reader) : NOTHING
    const expiresAtMs = expiryOf(reader.messageExpiryInterval, this.#context.broker.now())
    const parts = { properties, payload, qos: publish.qos, retain: publish.retain, expiresAtMs }
    const topic = this.#localTopic(topicBytes.toString('utf8'), properties)
    publish.message = Message.of({ ...parts, topic: topic ?? topicBytes })
    reader.close()
    return { publish, message: topic === undefined ? undefined : publish.message }
  }

  /** @returns undefined if the message is not published here. */
  #localTopic(remote: string, properties: Buffer): string | undefined {
    const { hop, maximumHops, counters, toLocal } = this.#context
    const topic = toLocal(remote)
    if (topic === undefined || Buffer.byteLength(topic) > 65_535) {
      counters.unmapped += 1
      return undefined
    }
    if (hop !== undefined && countHops(properties, hop) > maximumHops) {
      counters.loops += 1
      return undefined
    }
    return topic
  }
}

const NOTHING = Buffer.alloc(0)
