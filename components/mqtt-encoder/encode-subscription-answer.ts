import type { ISubackPacket, IUnsubackPacket } from 'mqtt-packet'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { variableByteIntegerSize, writeVariableByteInteger } from '../../src/mqtt/variable-byte-integer.ts'
import { generatePacket } from './generate-packet.ts'

/** Bytes of SUBACK and UNSUBACK. One with Properties, or that cannot be encoded, is left to mqtt-packet. */
export const encodeSubscriptionAnswer = (
  packet: ISubackPacket | IUnsubackPacket,
  version: ProtocolVersion,
): Uint8Array => {
  const { messageId, properties } = packet
  // The UNSUBACK of MQTT 3 has no codes (section 3.11 of its specification); all others have one for each filter.
  const hasCodes = packet.cmd === 'suback' || version === 5
  const codes = hasCodes ? ((packet.granted ?? []) as readonly number[]) : []
  if (messageId === undefined || (version === 5 && properties !== undefined) || (hasCodes && codes.length === 0)) {
    return generatePacket(packet, version)
  }
  const remainingLength = 2 + (version === 5 ? 1 : 0) + codes.length
  const bytes = Buffer.allocUnsafe(1 + variableByteIntegerSize(remainingLength) + remainingLength)
  bytes[0] = (packet.cmd === 'suback' ? PacketType.Suback : PacketType.Unsuback) << 4
  let position = writeVariableByteInteger(bytes, 1, remainingLength)
  bytes[position++] = messageId >> 8
  bytes[position++] = messageId
  if (version === 5) bytes[position++] = 0 // Property Length
  for (const code of codes) bytes[position++] = code
  return bytes
}
