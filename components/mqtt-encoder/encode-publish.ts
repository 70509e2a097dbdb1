import { copyBytes } from '../../src/collections/copy-bytes.ts'
import { DUP_FLAG, RETAIN_FLAG } from '../../src/mqtt/fixed-header.ts'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import { PropertyIdentifier } from '../../src/mqtt/properties.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import type { Publish } from '../../src/mqtt/publish.ts'
import { publishPropertyLength, publishRemainingLength } from '../../src/mqtt/publish-size.ts'
import { variableByteIntegerSize, writeVariableByteInteger } from '../../src/mqtt/variable-byte-integer.ts'
import type { Slab } from './slab.ts'

/** The most bytes that a UTF-8 Encoded String can have [MQTT-4.7.3-3]. */
const MAXIMUM_STRING_LENGTH = 65_535

/**
 * Cuts the bytes of a PUBLISH packet off a slab: all of them, or all but the payload. They end at `slab.end`.
 * @returns where they begin in `slab.bytes`.
 * @throws RangeError when there is no such packet, which is a mistake of the caller. The slab is as it was then.
 */
export const encodePublish = (publish: Publish, version: ProtocolVersion, withPayload: boolean, slab: Slab): number => {
  const { message, qos, packetIdentifier } = publish
  const topicLength = publish.omitsTopic ? 0 : message.topicEnd - message.topicStart
  if (topicLength > MAXIMUM_STRING_LENGTH) throw new RangeError('The Topic Name is longer than 65,535 bytes.')
  if (qos > 0) requirePacketIdentifier(packetIdentifier)
  const remainingLength = publishRemainingLength(publish, version)
  const length = withPayload ? remainingLength : remainingLength - message.payloadLength
  const start = slab.take(1 + variableByteIntegerSize(remainingLength) + length)
  const { bytes } = slab
  bytes[start] =
    (PacketType.Publish << 4) | (publish.dup ? DUP_FLAG : 0) | (qos << 1) | (publish.retain ? RETAIN_FLAG : 0)
  let position = writeVariableByteInteger(bytes, start + 1, remainingLength)
  bytes[position++] = topicLength >> 8
  bytes[position++] = topicLength
  if (topicLength > 0) position = copyBytes(message.bytes, message.topicStart, message.topicEnd, bytes, position)
  if (qos > 0) {
    bytes[position++] = packetIdentifier >> 8
    bytes[position++] = packetIdentifier
  }
  if (version === 5) position = writeProperties(publish, bytes, position)
  if (withPayload) copyBytes(message.bytes, message.payloadStart, message.payloadEnd, bytes, position)
  return start
}

/** @throws RangeError when a PUBLISH packet at QoS 1 or 2 has no Packet Identifier [MQTT-2.2.1-2]. */
export const requirePacketIdentifier = (packetIdentifier: number): void => {
  if (packetIdentifier === 0) throw new RangeError('A PUBLISH packet at QoS 1 or 2 has no Packet Identifier.')
}

/** The properties of this transmission, then those of the message as they came in. @returns where they end. */
const writeProperties = (publish: Publish, bytes: Buffer, start: number): number => {
  const { message, messageExpiryInterval, topicAlias, subscriptionIdentifiers } = publish
  let position = writeVariableByteInteger(bytes, start, publishPropertyLength(publish)) // [MQTT-2.2.2-1]
  if (messageExpiryInterval >= 0) {
    bytes[position++] = PropertyIdentifier.MessageExpiryInterval
    position = bytes.writeUInt32BE(messageExpiryInterval, position)
  }
  if (topicAlias > 0) {
    bytes[position++] = PropertyIdentifier.TopicAlias
    bytes[position++] = topicAlias >> 8
    bytes[position++] = topicAlias
  }
  for (let index = 0; index < subscriptionIdentifiers.length; index += 1) {
    bytes[position++] = PropertyIdentifier.SubscriptionIdentifier
    position = writeVariableByteInteger(bytes, position, subscriptionIdentifiers[index]!)
  }
  return copyBytes(message.bytes, message.propertiesStart, message.propertiesEnd, bytes, position)
}
