/** The packets that a server sends, checked and read. */

import type { QoS } from 'mqtt-packet'
import { checkPublish } from '../mqtt/check-publish.ts'
import { checkFirstByte, checkReservedFlags, DUP_FLAG, qosOf, RETAIN_FLAG } from '../mqtt/fixed-header.ts'
import { checkPacketIdentifier } from '../mqtt/packet-identifier-field.ts'
import { type PacketReader, TRUNCATED } from '../mqtt/packet-reader.ts'
import { PacketType, packetTypeName } from '../mqtt/packet-type.ts'
import { checkProperties } from '../mqtt/properties.ts'
import type { ProtocolError } from '../mqtt/protocol-error.ts'
import type { ProtocolVersion } from '../mqtt/protocol-version.ts'
import { type PropertiesObject, readProperties } from '../mqtt/read-properties.ts'
import { malformedPacket, protocolError, truncated } from '../mqtt/refusal.ts'

export interface ReceivedPublish {
  readonly type: typeof PacketType.Publish
  /** Empty when a Topic Alias stands for it. */
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  readonly retain: boolean
  readonly dup: boolean
  /** 0 at QoS 0. */
  readonly packetIdentifier: number
  readonly properties: PropertiesObject
}

export interface ReceivedAcknowledgement {
  readonly type:
    | typeof PacketType.Puback
    | typeof PacketType.Pubrec
    | typeof PacketType.Pubrel
    | typeof PacketType.Pubcomp
  readonly packetIdentifier: number
  readonly reasonCode: number
  readonly properties: PropertiesObject
}

export interface Connack {
  readonly type: typeof PacketType.Connack
  readonly sessionPresent: boolean
  readonly reasonCode: number
  readonly properties: PropertiesObject
}

export interface SubscriptionAnswer {
  readonly type: typeof PacketType.Suback | typeof PacketType.Unsuback
  readonly packetIdentifier: number
  /** Empty in UNSUBACK before MQTT 5.0. */
  readonly reasonCodes: readonly number[]
  readonly properties: PropertiesObject
}

export type ServerPacket =
  | ReceivedPublish
  | ReceivedAcknowledgement
  | Connack
  | SubscriptionAnswer
  | { readonly type: typeof PacketType.Pingresp }
  | {
      readonly type: typeof PacketType.Disconnect
      readonly reasonCode: number
      readonly properties: PropertiesObject
    }

/** What is thrown inside this file and returned by `readServerPacket`. */
class Refused extends Error {
  readonly problem: ProtocolError

  constructor(problem: ProtocolError) {
    super(problem.message)
    this.problem = problem
  }
}

/**
 * Checks and reads a packet of a server.
 * @param firstByte passed `checkServerFirstByte`.
 * @param body the bytes behind the fixed header; the payload of a PUBLISH is a view of them.
 * @param reader reused for all packets.
 * @returns the packet, or what is wrong with it.
 */
export const readServerPacket = (
  firstByte: number,
  body: Buffer,
  version: ProtocolVersion,
  reader: PacketReader,
): ServerPacket | ProtocolError => {
  reader.fromServer = true
  reader.open(body, 0, body.length, version)
  try {
    const packet = read(firstByte, reader)
    if (!reader.atEnd) return malformedPacket(`Bytes follow the last field of ${packetTypeName(firstByte >> 4)}.`)
    return packet
  } catch (error) {
    if (error instanceof Refused) return error.problem
    throw error
  }
}

/** Checks the first byte of a packet, before its body has come. */
export const checkServerFirstByte = (firstByte: number, version: ProtocolVersion): ProtocolError | undefined => {
  const type = firstByte >> 4
  switch (type) {
    case PacketType.Reserved:
    case PacketType.Connect:
    case PacketType.Subscribe:
    case PacketType.Unsubscribe:
    case PacketType.Pingreq:
    case PacketType.Auth:
      return protocolError(`A server may not send ${packetTypeName(type)} here.`)
    case PacketType.Publish:
      return checkFirstByte(firstByte, version)
    case PacketType.Disconnect:
      if (version !== 5) return protocolError('A server may not send DISCONNECT before MQTT 5.0.')
  }
  return checkReservedFlags(firstByte, version)
}

/** Whether `readServerPacket` returned a packet. */
export const isServerPacket = (result: ServerPacket | ProtocolError): result is ServerPacket => 'type' in result

const require = (problem: ProtocolError | undefined): void => {
  if (problem !== undefined) throw new Refused(problem)
}

const read = (firstByte: number, reader: PacketReader): ServerPacket => {
  const type = (firstByte >> 4) as PacketType
  if (type === PacketType.Publish) return readPublish(firstByte, reader)
  switch (type) {
    case PacketType.Connack:
      return readConnack(reader)
    case PacketType.Puback:
    case PacketType.Pubrec:
    case PacketType.Pubrel:
    case PacketType.Pubcomp:
      return { type, packetIdentifier: identifierOf(reader), ...reasonAndProperties(reader, type) }
    case PacketType.Suback:
    case PacketType.Unsuback:
      return readSubscriptionAnswer(reader, type)
    case PacketType.Pingresp:
      return { type }
    // The check of the first byte has refused all others.
    default:
      return { type: PacketType.Disconnect, ...reasonAndProperties(reader, PacketType.Disconnect) }
  }
}

const readPublish = (firstByte: number, reader: PacketReader): ReceivedPublish => {
  require(checkPublish(reader, firstByte))
  const { topicStart, topicEnd, bytes } = reader
  const qos = qosOf(firstByte) as QoS
  reader.position = topicEnd + (qos > 0 ? 2 : 0)
  const properties = reader.protocolVersion === 5 ? (readProperties(reader) ?? {}) : {}
  const payload = reader.rest()
  return {
    type: PacketType.Publish,
    topic: bytes.toString('utf8', topicStart, topicEnd),
    payload,
    qos,
    retain: (firstByte & RETAIN_FLAG) !== 0,
    dup: (firstByte & DUP_FLAG) !== 0,
    packetIdentifier: qos > 0 ? reader.packetIdentifier : 0,
    properties,
  }
}

const readConnack = (reader: PacketReader): Connack => {
  const flags = reader.byte()
  const reasonCode = reader.byte()
  if (reasonCode === TRUNCATED) throw new Refused(truncated('CONNACK packet'))
  // MQTT 3.1 has no Session Present: the byte is reserved there.
  if (flags > 1 && reader.protocolVersion !== 3) {
    throw new Refused(malformedPacket('Reserved bits of the Connect Acknowledge Flags are set.', 'MQTT-3.2.2-1'))
  }
  return {
    type: PacketType.Connack,
    sessionPresent: (flags & 1) !== 0 && reader.protocolVersion !== 3,
    reasonCode,
    properties: reader.protocolVersion === 5 && !reader.atEnd ? checkedProperties(reader, PacketType.Connack) : {},
  }
}

const readSubscriptionAnswer = (
  reader: PacketReader,
  type: typeof PacketType.Suback | typeof PacketType.Unsuback,
): SubscriptionAnswer => {
  const packetIdentifier = identifierOf(reader)
  const properties = reader.protocolVersion === 5 ? checkedProperties(reader, type) : {}
  return { type, packetIdentifier, properties, reasonCodes: [...reader.rest()] }
}

const identifierOf = (reader: PacketReader): number => {
  require(checkPacketIdentifier(reader))
  return reader.packetIdentifier
}

/** MQTT 5.0 may leave out the Properties, and the Reason Code with them when it is 0. */
const reasonAndProperties = (
  reader: PacketReader,
  type: PacketType,
): { readonly reasonCode: number; readonly properties: PropertiesObject } => {
  if (reader.protocolVersion !== 5 || reader.atEnd) return { reasonCode: 0, properties: {} }
  const reasonCode = reader.byte()
  return { reasonCode, properties: reader.atEnd ? {} : checkedProperties(reader, type) }
}

const checkedProperties = (reader: PacketReader, type: PacketType): PropertiesObject => {
  const start = reader.position
  require(checkProperties(reader, type))
  const end = reader.position
  reader.position = start
  const properties = readProperties(reader) ?? {}
  reader.position = end
  return properties
}
