import type { Packet, QoS } from 'mqtt-packet'
import { DUP_FLAG, qosOf, RETAIN_FLAG } from '../../src/mqtt/fixed-header.ts'
import type { PacketReader } from '../../src/mqtt/packet-reader.ts'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import { type PropertiesObject, readProperties } from './read-properties.ts'

/**
 * What mqtt-packet's parser makes of every packet. These packets have the same fields in the same order, whatever their
 * type, so that the engine sees one shape.
 */
interface ParsedPacket {
  cmd: Packet['cmd']
  retain: boolean
  qos: QoS
  dup: boolean
  length: number
  topic: string | null
  payload: Buffer | null
  messageId?: number
  reasonCode?: number
  properties?: PropertiesObject
}

/**
 * Reads a packet that was checked, without mqtt-packet: the types that come often, and those of which it refuses legal
 * forms (an empty AUTH, DISCONNECT with Reason Code 0x82). The packet is as mqtt-packet's parser would make it; its
 * payload and other buffers are views of the reader's bytes.
 * @returns undefined for the other types.
 */
export const readPacket = (firstByte: number, reader: PacketReader): Packet | undefined => {
  switch (firstByte >> 4) {
    case PacketType.Publish:
      return readPublish(firstByte, reader) as Packet
    case PacketType.Puback:
      return readAcknowledgement('puback', firstByte, reader) as Packet
    case PacketType.Pubrec:
      return readAcknowledgement('pubrec', firstByte, reader) as Packet
    case PacketType.Pubrel:
      return readAcknowledgement('pubrel', firstByte, reader) as Packet
    case PacketType.Pubcomp:
      return readAcknowledgement('pubcomp', firstByte, reader) as Packet
    case PacketType.Pingreq:
      return parsedPacket('pingreq', firstByte, 0) as Packet
    case PacketType.Disconnect:
      return readReasonAndProperties(parsedPacket('disconnect', firstByte, bodyLength(reader)), reader) as Packet
    case PacketType.Auth:
      return readReasonAndProperties(parsedPacket('auth', firstByte, bodyLength(reader)), reader) as Packet
    default:
      return undefined
  }
}

const bodyLength = (reader: PacketReader): number => reader.end - reader.position

const parsedPacket = (cmd: Packet['cmd'], firstByte: number, length: number): ParsedPacket => ({
  cmd,
  retain: (firstByte & RETAIN_FLAG) !== 0,
  qos: qosOf(firstByte) as QoS,
  dup: (firstByte & DUP_FLAG) !== 0,
  length,
  topic: null,
  payload: null,
})

const readPublish = (firstByte: number, reader: PacketReader): ParsedPacket => {
  const packet = parsedPacket('publish', firstByte, bodyLength(reader))
  packet.topic = reader.string()
  if (packet.qos > 0) packet.messageId = reader.twoByteInteger()
  if (reader.protocolVersion === 5) {
    const properties = readProperties(reader)
    if (properties !== undefined) packet.properties = properties
  }
  packet.payload = reader.rest()
  return packet
}

const readAcknowledgement = (cmd: Packet['cmd'], firstByte: number, reader: PacketReader): ParsedPacket => {
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
