import { DUP_FLAG, RETAIN_FLAG } from '../../src/mqtt/fixed-header.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import { PropertyIdentifier } from '../../src/mqtt/properties.ts'
import type { Publish } from '../../src/mqtt/publish.ts'
import { variableByteIntegerSize, writeVariableByteInteger } from '../../src/mqtt/variable-byte-integer.ts'

/** A PUBLISH packet as it leaves the bridge. */
export interface OutgoingPublish extends Pick<Publish, 'qos' | 'retain' | 'dup' | 'packetIdentifier'> {
  readonly message: Message
  /** The Topic Name at the remote broker. */
  readonly topic: Buffer
  /** In seconds; -1 is none. */
  readonly messageExpiryInterval: number
  /** A property of the bridge, encoded; may be empty. */
  readonly hop: Buffer
}

/** The size of the packet in bytes. */
export const outgoingSize = (publish: OutgoingPublish, isVersion5: boolean): number => {
  const length = remainingLength(publish, isVersion5)
  return 1 + variableByteIntegerSize(length) + length
}

/** Encodes the packet. Of MQTT 3.1.1 it has no properties. */
export const encodePublish = (publish: OutgoingPublish, isVersion5: boolean): Buffer => {
  const { message, topic, qos, retain, dup, packetIdentifier, hop, messageExpiryInterval } = publish
  const length = remainingLength(publish, isVersion5)
  const bytes = Buffer.allocUnsafe(1 + variableByteIntegerSize(length) + length)
  bytes[0] = (PacketType.Publish << 4) | (dup ? DUP_FLAG : 0) | (qos << 1) | (retain ? RETAIN_FLAG : 0)
  let at = writeVariableByteInteger(bytes, 1, length)
  at = bytes.writeUInt16BE(topic.length, at)
  at += topic.copy(bytes, at)
  if (qos > 0) at = bytes.writeUInt16BE(packetIdentifier, at)
  if (isVersion5) {
    at = writeVariableByteInteger(bytes, at, propertyLength(publish))
    if (messageExpiryInterval >= 0) {
      bytes[at] = PropertyIdentifier.MessageExpiryInterval
      at = bytes.writeUInt32BE(messageExpiryInterval, at + 1)
    }
    at += message.properties.copy(bytes, at)
    at += hop.copy(bytes, at)
  }
  message.payload.copy(bytes, at)
  return bytes
}

const remainingLength = (publish: OutgoingPublish, isVersion5: boolean): number => {
  const { topic, qos, message } = publish
  const length = 2 + topic.length + (qos > 0 ? 2 : 0) + message.payloadLength
  if (!isVersion5) return length
  const properties = propertyLength(publish)
  return length + variableByteIntegerSize(properties) + properties
}

const propertyLength = ({ message, hop, messageExpiryInterval }: OutgoingPublish): number =>
  message.propertiesEnd - message.propertiesStart + hop.length + (messageExpiryInterval >= 0 ? 5 : 0)
