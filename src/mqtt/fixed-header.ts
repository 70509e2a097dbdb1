/** The Fixed Header (section 2.1): what its first byte may be, and how long a packet may be. */

import { PacketType, packetTypeName } from './packet-type.ts'
import type { ProtocolError } from './protocol-error.ts'
import type { ProtocolVersion } from './protocol-version.ts'
import { malformedPacket, protocolError } from './refusal.ts'

/** The largest Remaining Length that four bytes can encode. */
export const MAXIMUM_REMAINING_LENGTH = 268_435_455

/** The largest possible packet, in bytes: the first byte, four bytes of Remaining Length, and the largest Remaining Length. */
export const MAXIMUM_PACKET_SIZE = 1 + 4 + MAXIMUM_REMAINING_LENGTH

export const DUP_FLAG = 0b1000
export const RETAIN_FLAG = 0b0001

/** The QoS in the first byte of a PUBLISH packet; 3 is not legal. */
export const qosOf = (firstByte: number): number => (firstByte >> 1) & 0b11

/**
 * Checks the first byte of a packet from a client.
 * @param version 0 until the CONNECT packet was read.
 * @returns what is wrong, or undefined.
 */
export const checkFirstByte = (firstByte: number, version: ProtocolVersion | 0): ProtocolError | undefined => {
  const type = firstByte >> 4
  if (version === 0) {
    // The flags of CONNECT are checked when its version is known, which follows them.
    return type === PacketType.Connect ? undefined : protocolError('The first packet is not CONNECT.', 'MQTT-3.1.0-1')
  }
  switch (type) {
    case PacketType.Publish:
      return checkPublishFlags(firstByte)
    case PacketType.Connect:
      return protocolError('A second CONNECT packet came.', 'MQTT-3.1.0-2')
    case PacketType.Reserved:
      return malformedPacket('Packet type 0 is reserved.')
    case PacketType.Connack:
    case PacketType.Suback:
    case PacketType.Unsuback:
    case PacketType.Pingresp:
      return protocolError(`A client may not send ${packetTypeName(type)}.`)
    case PacketType.Auth:
      if (version !== 5) return malformedPacket('Packet type 15 is reserved before MQTT 5.0.')
  }
  return checkReservedFlags(firstByte, version)
}

/** Checks the flags of a packet that is not PUBLISH. MQTT 3.1 does not use them: any value is legal there. */
export const checkReservedFlags = (firstByte: number, version: ProtocolVersion | 0): ProtocolError | undefined => {
  const type = firstByte >> 4
  const required = requiredFlags(type)
  if ((firstByte & FLAGS) === required || version === 3) return undefined
  return malformedPacket(
    `The flags of ${packetTypeName(type)} are not ${required === 0 ? '0000' : '0010'}.`,
    RESERVED_FLAG_CLAUSES.get(type) ?? 'MQTT-2.1.3-1',
  )
}

/**
 * The first byte of a packet of MQTT 3.1 with the flags that its type has in all versions. MQTT 3.1 uses the flags of PUBLISH,
 * and DUP where PUBREL, SUBSCRIBE or UNSUBSCRIBE is sent again; its specification calls all others "not used".
 */
export const withoutUnusedFlags = (firstByte: number): number => {
  const type = firstByte >> 4
  if (type === PacketType.Publish) return firstByte
  const required = requiredFlags(type)
  return (firstByte & ~FLAGS) | (required === 0 ? 0 : required | (firstByte & DUP_FLAG))
}

const FLAGS = 0b1111

/** The value of the flags of a packet that is not PUBLISH (table 2-2). */
const requiredFlags = (type: number): number =>
  type === PacketType.Pubrel || type === PacketType.Subscribe || type === PacketType.Unsubscribe ? 0b0010 : 0

const RESERVED_FLAG_CLAUSES: ReadonlyMap<number, string> = new Map([
  [PacketType.Pubrel, 'MQTT-3.6.1-1'],
  [PacketType.Subscribe, 'MQTT-3.8.1-1'],
  [PacketType.Unsubscribe, 'MQTT-3.10.1-1'],
])

const checkPublishFlags = (firstByte: number): ProtocolError | undefined => {
  const qos = qosOf(firstByte)
  if (qos === 3) return malformedPacket('A PUBLISH packet has both QoS bits set.', 'MQTT-3.3.1-4')
  if (qos === 0 && (firstByte & DUP_FLAG) !== 0) {
    return malformedPacket('A PUBLISH packet at QoS 0 has the DUP flag set.', 'MQTT-3.3.1-2')
  }
  return undefined
}
