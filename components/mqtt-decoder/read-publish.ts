import type { QoS } from 'mqtt-packet'
import { DUP_FLAG, qosOf, RETAIN_FLAG } from '../../src/mqtt/fixed-header.ts'
import { cutOutside, forwardedProperties } from '../../src/mqtt/forwarded-properties.ts'
import { Message, type MessageFields } from '../../src/mqtt/message.ts'
import type { PacketReader } from '../../src/mqtt/packet-reader.ts'
import { NONE, type PublishFields } from '../../src/mqtt/publish.ts'

/** Milliseconds since 1970 on a clock that never steps back. */
export type Clock = () => number

export const steadyClock: Clock = () => performance.timeOrigin + performance.now()

/**
 * Fills a Publish from a packet that `checkPublish` has just passed over: all that it found lies in the reader, so the
 * bytes are not looked at again. Nothing is allocated unless properties that are not forwarded stand between others. All
 * fields are set: a filter that is not type-checked may have put something else there.
 * @param lent the decoder's own message, which the packet gets.
 * @returns it, with fields that can be set.
 */
export const readPublish = (
  firstByte: number,
  reader: PacketReader,
  publish: PublishFields,
  lent: Message,
  nowMs: Clock,
): MessageFields => {
  const qos = qosOf(firstByte) as QoS
  const retain = (firstByte & RETAIN_FLAG) !== 0
  publish.qos = qos
  publish.retain = retain
  publish.dup = (firstByte & DUP_FLAG) !== 0
  publish.packetIdentifier = qos > 0 ? reader.packetIdentifier : 0
  publish.topicAlias = reader.topicAlias
  publish.omitsTopic = reader.topicStart === reader.topicEnd
  publish.messageExpiryInterval = reader.messageExpiryInterval
  publish.payloadFormatUtf8 = reader.payloadFormatUtf8
  publish.subscriptionIdentifiers = NONE
  publish.message = lent
  const message = Message.refill(lent, reader.bytes)
  message.qos = qos
  message.retain = retain
  message.expiresAtMs =
    reader.messageExpiryInterval < 0 ? Number.POSITIVE_INFINITY : nowMs() + reader.messageExpiryInterval * 1000
  message.topicStart = reader.topicStart
  message.topicEnd = reader.topicEnd
  message.payloadStart = reader.position
  message.payloadEnd = reader.end
  const inOnePiece = cutOutside(reader)
  message.propertiesStart = reader.propertiesStart
  message.propertiesEnd = reader.propertiesEnd
  if (!inOnePiece) joinProperties(reader, message)
  return message
}

/** Puts the message into memory of its own, without what stands between its forwarded properties. */
const joinProperties = (reader: PacketReader, message: MessageFields): void => {
  const topic = message.topicBytes
  const properties = forwardedProperties(reader)
  const payload = message.payload
  message.bytes = Buffer.concat([topic, properties, payload])
  message.topicStart = 0
  message.topicEnd = topic.length
  message.propertiesStart = topic.length
  message.propertiesEnd = topic.length + properties.length
  message.payloadStart = message.propertiesEnd
  message.payloadEnd = message.bytes.length
}
