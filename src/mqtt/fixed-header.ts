/** The Fixed Header (section 2.1): what its first byte may be, and how long a packet may be. */

import { PacketType, packetTypeName } from './packet-type.ts'
import type { ProtocolError } from './protocol-error.ts'
import type { ProtocolVersion } from './protocol-version.ts'
import { malformedPacket, protocolError } from './refusal.ts'

/** The most that a Remaining Length of four bytes can say. */
export const MAXIMUM_REMAINING_LENGTH = 268_435_455

/** The largest packet there can be, in bytes: the first byte, four of Remaining Length, and what they announce. */
export const MAXIMUM_PACKET_SIZE = 1 + 4 + MAXIMUM_REMAINING_LENGTH

export const DUP_FLAG = 0b1000
export const RETAIN_FLAG = 0b0001

/** QoS as a PUBLISH packet's first byte says it; 3 is not legal. */
export const qosOf = (firstByte: number): number => (firstByte >> 1) & 0b11

/**
 * Checks the first byte of a packet from a client.
 * @param version 0 until the CONNECT packet was read.
 * @returns what is wrong, or undefined.
 */
export const checkFirstByte = (firstByte: number, version: ProtocolVersion | 0): ProtocolError | undefined => {
  const type = firstByte >> 4
  if (version === 0) {
    if (type !== PacketType.Connect) {
      return protocolError('The first packet is not CONNECT.', 'MQTT-3.1.0-1')
    }
  } else if (type === PacketType.Connect) {
    return protocolError('A second CONNECT packet came.', 'MQTT-3.1.0-2')
  }
  const flags = firstByte & 0x0f
  switch (type) {
    case PacketType.Publish:
      return checkPublishFlags(firstByte)
    case PacketType.Pubrel:
    case PacketType.Subscribe:
    case PacketType.Unsubscribe:
      // MQTT 3.1 repeats these packets with the DUP flag; later versions reserve it.
      if (flags === 0b0010 || (flags === 0b1010 && version === 3)) return undefined
      return malformedPacket(
        `The flags of ${packetTypeName(type)} are not 0010.`,
        type === PacketType.Pubrel ? 'MQTT-3.6.1-1' : type === PacketType.Subscribe ? 'MQTT-3.8.1-1' : 'MQTT-3.10.1-1',
      )
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
  if (flags === 0) return undefined
  return malformedPacket(`The flags of ${packetTypeName(type)} are not 0000.`, 'MQTT-2.1.3-1')
}

const checkPublishFlags = (firstByte: number): ProtocolError | undefined => {
  const qos = qosOf(firstByte)
  if (qos === 3) return malformedPacket('A PUBLISH packet has both QoS bits set.', 'MQTT-3.3.1-4')
  if (qos === 0 && (firstByte & DUP_FLAG) !== 0) {
    return malformedPacket('A PUBLISH packet at QoS 0 has the DUP flag set.', 'MQTT-3.3.1-2')
  }
  return undefined
}
