/** Packets that a client sends, built before the load begins. Only what the benchmark needs of MQTT 3.1.1 and 5.0. */

import type { Qos, Version } from '../plan.ts'

export const PacketType = {
  CONNECT: 1,
  CONNACK: 2,
  PUBLISH: 3,
  PUBACK: 4,
  PUBREC: 5,
  PUBREL: 6,
  PUBCOMP: 7,
  SUBSCRIBE: 8,
  SUBACK: 9,
  UNSUBSCRIBE: 10,
  UNSUBACK: 11,
  PINGREQ: 12,
  PINGRESP: 13,
  DISCONNECT: 14,
} as const

/** Bytes at the start of a payload: stream and sequence number as 32-bit, the intended send time in ms as 64-bit float. */
export const STAMP_BYTES = 16

export const pingreq = Buffer.of(PacketType.PINGREQ << 4, 0)
export const disconnect = Buffer.of(PacketType.DISCONNECT << 4, 0)

/** Without a Keep Alive. @param isPersistent the session outlives its connection, by a day in version 5; else it starts clean. */
export const encodeConnect = (clientId: string, version: Version, isPersistent = false): Buffer =>
  packet(
    PacketType.CONNECT << 4,
    string('MQTT'),
    Buffer.of(version, isPersistent ? 0 : 0b10, 0, 0),
    isPersistent && version === 5 ? sessionExpiry : properties(version),
    string(clientId),
  )

/** Properties with a Session Expiry Interval of a day. */
const sessionExpiry = Buffer.of(5, 0x11, 0, 0x01, 0x51, 0x80)

export const encodeSubscribe = (id: number, filters: readonly string[], qos: Qos, version: Version): Buffer =>
  packet(
    (PacketType.SUBSCRIBE << 4) | 0b10,
    uint16(id),
    properties(version),
    Buffer.concat(filters.flatMap((filter) => [string(filter), Buffer.of(qos)])),
  )

export const encodeUnsubscribe = (id: number, filters: readonly string[], version: Version): Buffer =>
  packet((PacketType.UNSUBSCRIBE << 4) | 0b10, uint16(id), properties(version), ...filters.map(string))

export interface PublishTemplate {
  readonly topic: string
  readonly qos: Qos
  readonly version: Version
  readonly payloadBytes: number
  readonly userProperties: number
}

/** A PUBLISH packet with places left for what differs from message to message. */
export interface EncodedPublish {
  readonly bytes: Buffer
  /** Where the Packet Identifier goes; meaningless at QoS 0. */
  readonly idOffset: number
  readonly payloadOffset: number
}

export const encodePublish = ({
  topic,
  qos,
  version,
  payloadBytes,
  userProperties,
}: PublishTemplate): EncodedPublish => {
  const id = qos > 0 ? uint16(0) : Buffer.alloc(0)
  const bytes = packet(
    (PacketType.PUBLISH << 4) | (qos << 1),
    string(topic),
    id,
    properties(version, userProperties),
    Buffer.alloc(payloadBytes, 'payload '),
  )
  const payloadOffset = bytes.length - payloadBytes
  const propertyBytes = properties(version, userProperties).length
  return { bytes, idOffset: payloadOffset - propertyBytes - id.length, payloadOffset }
}

/** The property field of version 5, with User Properties alone; nothing in version 4. */
const properties = (version: Version, userProperties = 0): Buffer => {
  if (version !== 5) return Buffer.alloc(0)
  const each = Array.from({ length: userProperties }, (_, index) =>
    Buffer.concat([Buffer.of(0x26), string(`key-${index}`), string(`value-${index}`)]),
  )
  const body = Buffer.concat(each)
  return Buffer.concat([variableByteInteger(body.length), body])
}

/** A packet from its first byte and the parts of its body. */
export const packet = (firstByte: number, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.of(firstByte), variableByteInteger(body.length), body])
}

const variableByteInteger = (value: number): Buffer => {
  const bytes: number[] = []
  let rest = value
  do {
    bytes.push((rest % 128) | (rest >= 128 ? 0x80 : 0))
    rest = Math.floor(rest / 128)
  } while (rest > 0)
  return Buffer.from(bytes)
}

/** A UTF-8 Encoded String. */
export const string = (text: string): Buffer => {
  const bytes = Buffer.from(text)
  return Buffer.concat([uint16(bytes.length), bytes])
}

/** A Two Byte Integer. */
export const uint16 = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff)
