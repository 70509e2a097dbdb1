import type { IPubackPacket, IPubcompPacket, IPubrecPacket, IPubrelPacket } from 'mqtt-packet'
import { ACKNOWLEDGEMENT_BYTES, type Acknowledgement, firstByteOf } from '../../src/mqtt/acknowledgement.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { generatePacket } from './generate-packet.ts'
import type { Slab } from './slab.ts'

/** The first byte of the four packets [MQTT-3.6.1-1]. */
const FIRST_BYTES = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const

/**
 * Bytes of PUBACK, PUBREC, PUBREL or PUBCOMP, in the shortest form (section 3.4.2.1): a Reason Code that is 0 or left out is
 * not sent. One with Properties, or without a Packet Identifier, is left to mqtt-packet.
 */
export const encodeAcknowledgement = (
  packet: IPubackPacket | IPubrecPacket | IPubrelPacket | IPubcompPacket,
  version: ProtocolVersion,
): Uint8Array => {
  const { messageId, reasonCode = 0 } = packet
  if (messageId === undefined || (version === 5 && packet.properties !== undefined)) {
    return generatePacket(packet, version)
  }
  const withReason = version === 5 && reasonCode !== 0
  const bytes = Buffer.allocUnsafe(withReason ? 6 : 4)
  bytes[0] = FIRST_BYTES[packet.cmd]
  bytes[1] = bytes.length - 2
  bytes[2] = messageId >> 8
  bytes[3] = messageId
  if (withReason) {
    bytes[4] = reasonCode
    bytes[5] = 0 // Property Length
  }
  return bytes
}

/** Cuts the shortest form of one of the four packets off a slab, where it ends at `slab.end`. @returns where it begins. */
export const encodeShortest = (type: Acknowledgement, packetIdentifier: number, slab: Slab): number => {
  const start = slab.take(ACKNOWLEDGEMENT_BYTES)
  const { bytes } = slab
  bytes[start] = firstByteOf(type)
  bytes[start + 1] = 2
  bytes[start + 2] = packetIdentifier >> 8
  bytes[start + 3] = packetIdentifier
  return start
}
