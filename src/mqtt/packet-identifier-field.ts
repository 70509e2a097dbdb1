import { type PacketReader, TRUNCATED } from './packet-reader.ts'
import type { ProtocolError } from './protocol-error.ts'
import { protocolError, truncated } from './refusal.ts'

/** Passes over the Packet Identifier of a packet and checks it. @returns what is wrong, or undefined. */
export const checkPacketIdentifier = (reader: PacketReader): ProtocolError | undefined => {
  const identifier = reader.twoByteInteger()
  reader.packetIdentifier = identifier
  if (identifier === TRUNCATED) return truncated('Packet Identifier')
  return identifier === 0 ? protocolError('The Packet Identifier is 0.', 'MQTT-2.2.1-3') : undefined
}
