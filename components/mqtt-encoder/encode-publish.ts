import type { IPublishPacket } from 'mqtt-packet'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { generatePacket } from './generate-packet.ts'

const PUBLISH = 0x30
const DUP = 0x08
const RETAIN = 0x01
/** The most bytes that a UTF-8 Encoded String can have [MQTT-4.7.3-3]. */
const MAXIMUM_STRING_LENGTH = 65_535

/** Bytes of a PUBLISH packet. One with Properties, or one that cannot be encoded, is left to mqtt-packet. */
export const encodePublish = (packet: IPublishPacket, version: ProtocolVersion): Uint8Array => {
  const { topic, payload, qos, messageId } = packet
  const topicLength = Buffer.byteLength(topic)
  if (
    (version === 5 && packet.properties !== undefined) ||
    (qos > 0 && messageId === undefined) ||
    topicLength > MAXIMUM_STRING_LENGTH
  ) {
    return generatePacket(packet, version)
  }
  const payloadLength = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length
  const remainingLength = 2 + topicLength + (qos > 0 ? 2 : 0) + (version === 5 ? 1 : 0) + payloadLength
  const bytes = Buffer.allocUnsafe(1 + remainingLengthSize(remainingLength) + remainingLength)
  bytes[0] = PUBLISH | (packet.dup ? DUP : 0) | (qos << 1) | (packet.retain ? RETAIN : 0)
  let position = writeRemainingLength(bytes, remainingLength)
  bytes[position++] = topicLength >> 8
  bytes[position++] = topicLength
  position += bytes.write(topic, position)
  if (qos > 0) {
    bytes[position++] = messageId! >> 8
    bytes[position++] = messageId!
  }
  if (version === 5) bytes[position++] = 0 // Property Length [MQTT-2.2.2-1]
  if (typeof payload === 'string') bytes.write(payload, position)
  else bytes.set(payload, position)
  return bytes
}

const remainingLengthSize = (length: number): number =>
  length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : 4

/** @returns where the variable header begins. */
const writeRemainingLength = (bytes: Buffer, length: number): number => {
  let position = 1
  let rest = length
  while (rest > 0x7f) {
    bytes[position++] = (rest & 0x7f) | 0x80
    rest >>= 7
  }
  bytes[position++] = rest
  return position
}
