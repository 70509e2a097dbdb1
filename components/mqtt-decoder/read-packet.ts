import type { ISubscription, QoS } from 'mqtt-packet'
import type { ControlPacket } from '../../src/kinds/pipeline-stage.ts'
import { DUP_FLAG, qosOf, RETAIN_FLAG } from '../../src/mqtt/fixed-header.ts'
import type { PacketReader } from '../../src/mqtt/packet-reader.ts'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import { type PropertiesObject, readProperties } from '../../src/mqtt/read-properties.ts'
import { readConnect } from './read-connect.ts'

/**
 * The result of mqtt-packet's parser for every packet. These packets have the same fields in the same order for any type, so
 * that the engine sees one shape.
 */
interface ParsedPacket {
  cmd: ControlPacket['cmd']
  retain: boolean
  qos: QoS
  dup: boolean
  length: number
  topic: null
  payload: null
  messageId?: number
  reasonCode?: number
  properties?: PropertiesObject
  subscriptions?: ISubscription[]
  unsubscriptions?: string[]
}

/**
 * Reads a packet that was checked, of any type that a client may send but PUBLISH, which is read by `read-publish.ts`. The packet
 * is as mqtt-packet's parser would make it; buffers in it are views of the reader's bytes.
 * @returns undefined for other types, of which `checkPacket` accepts none.
 */
export const readPacket = (firstByte: number, reader: PacketReader): ControlPacket | undefined => {
  switch (firstByte >> 4) {
    case PacketType.Connect:
      return readConnect(reader)
    case PacketType.Puback:
      return readAcknowledgement('puback', firstByte, reader) as ControlPacket
    case PacketType.Pubrec:
      return readAcknowledgement('pubrec', firstByte, reader) as ControlPacket
    case PacketType.Pubrel:
      return readAcknowledgement('pubrel', firstByte, reader) as ControlPacket
    case PacketType.Pubcomp:
      return readAcknowledgement('pubcomp', firstByte, reader) as ControlPacket
    case PacketType.Pingreq:
      return parsedPacket('pingreq', firstByte, 0) as ControlPacket
    case PacketType.Subscribe:
      return readSubscribe(firstByte, reader) as ControlPacket
    case PacketType.Unsubscribe:
      return readUnsubscribe(firstByte, reader) as ControlPacket
    case PacketType.Disconnect:
      return readReasonAndProperties(parsedPacket('disconnect', firstByte, bodyLength(reader)), reader) as ControlPacket
    case PacketType.Auth:
      return readReasonAndProperties(parsedPacket('auth', firstByte, bodyLength(reader)), reader) as ControlPacket
    default:
      return undefined
  }
}

const bodyLength = (reader: PacketReader): number => reader.end - reader.position

const parsedPacket = (cmd: ControlPacket['cmd'], firstByte: number, length: number): ParsedPacket => ({
  cmd,
  retain: (firstByte & RETAIN_FLAG) !== 0,
  qos: qosOf(firstByte) as QoS,
  dup: (firstByte & DUP_FLAG) !== 0,
  length,
  topic: null,
  payload: null,
})

const readAcknowledgement = (cmd: ControlPacket['cmd'], firstByte: number, reader: PacketReader): ParsedPacket => {
  const packet = parsedPacket(cmd, firstByte, bodyLength(reader))
  packet.messageId = reader.twoByteInteger()
  return readReasonAndProperties(packet, reader)
}

/** MQTT 5.0 may leave out the Properties, and the Reason Code with them when it is 0. */
const readReasonAndProperties = (packet: ParsedPacket, reader: PacketReader): ParsedPacket => {
  if (reader.protocolVersion !== 5) return packet
  packet.reasonCode = reader.atEnd ? 0 : reader.byte()
  const properties = reader.atEnd ? undefined : readProperties(reader)
  if (properties !== undefined) packet.properties = properties
  return packet
}

const readSubscribe = (firstByte: number, reader: PacketReader): ParsedPacket => {
  const packet = readIdentifierAndProperties('subscribe', firstByte, reader)
  packet.subscriptions = []
  while (!reader.atEnd) {
    const topic = reader.string()
    packet.subscriptions.push(subscriptionOf(topic, reader.byte(), reader.protocolVersion))
  }
  return packet
}

/** What the Subscription Options say (section 3.8.3.1); before MQTT 5.0 they were a QoS. */
const subscriptionOf = (topic: string, options: number, version: number): ISubscription => {
  const qos = (options & 0b11) as QoS
  if (version !== 5) return { topic, qos }
  return { topic, qos, nl: (options & 0b100) !== 0, rap: (options & 0b1000) !== 0, rh: (options >> 4) & 0b11 }
}

const readUnsubscribe = (firstByte: number, reader: PacketReader): ParsedPacket => {
  const packet = readIdentifierAndProperties('unsubscribe', firstByte, reader)
  packet.unsubscriptions = []
  while (!reader.atEnd) packet.unsubscriptions.push(reader.string())
  return packet
}

const readIdentifierAndProperties = (
  cmd: ControlPacket['cmd'],
  firstByte: number,
  reader: PacketReader,
): ParsedPacket => {
  const packet = parsedPacket(cmd, firstByte, bodyLength(reader))
  packet.messageId = reader.twoByteInteger()
  const properties = reader.protocolVersion === 5 ? readProperties(reader) : undefined
  if (properties !== undefined) packet.properties = properties
  return packet
}
