import type { Acknowledgement } from '../../src/mqtt/acknowledgement.ts'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Frame } from './frame-reader.ts'

/** Encodes PUBACK, PUBREC, PUBREL or PUBCOMP. MQTT 3.1.1 has no Reason Code. */
export const encodeAcknowledgement = (
  type: Acknowledgement,
  packetIdentifier: number,
  isVersion5: boolean,
  reasonCode: ReasonCode = ReasonCode.Success,
): Uint8Array => {
  const firstByte = (type << 4) | (type === PacketType.Pubrel ? 0b0010 : 0)
  const identifier = [packetIdentifier >> 8, packetIdentifier & 0xff]
  if (!isVersion5 || reasonCode === ReasonCode.Success) return Uint8Array.of(firstByte, 2, ...identifier)
  return Uint8Array.of(firstByte, 3, ...identifier, reasonCode)
}

/** @throws Error if the packet is too short or has the Packet Identifier 0 [MQTT-2.2.1-3]. */
export const readAcknowledgement = ({
  bytes,
  start,
  end,
}: Frame): { readonly packetIdentifier: number; readonly reasonCode: number } => {
  const packetIdentifier = end - start < 2 ? 0 : bytes.readUInt16BE(start)
  if (packetIdentifier === 0) throw new Error('it sent an acknowledgement without a Packet Identifier')
  return { packetIdentifier, reasonCode: end - start > 2 ? bytes[start + 2]! : 0 }
}
