import { PacketType } from './packet-type.ts'

/** The four packets of the deliveries at QoS 1 and 2 that follow PUBLISH (sections 3.4 to 3.7), which are laid out alike. */
export type Acknowledgement =
  | typeof PacketType.Puback
  | typeof PacketType.Pubrec
  | typeof PacketType.Pubrel
  | typeof PacketType.Pubcomp

/** Bytes of such a packet in its shortest form: it says Success, and has no Properties. */
export const ACKNOWLEDGEMENT_BYTES = 4

/** The names that mqtt-packet gives to them. */
export const acknowledgementName = (type: Acknowledgement): 'puback' | 'pubrec' | 'pubrel' | 'pubcomp' => NAMES[type]

const NAMES = {
  [PacketType.Puback]: 'puback',
  [PacketType.Pubrec]: 'pubrec',
  [PacketType.Pubrel]: 'pubrel',
  [PacketType.Pubcomp]: 'pubcomp',
} as const

/** The first byte of such a packet; the flags of PUBREL are 0010 [MQTT-3.6.1-1]. */
export const firstByteOf = (type: Acknowledgement): number => (type << 4) | (type === PacketType.Pubrel ? 0b0010 : 0)

/**
 * The type of the packet at `position`, if it is an acknowledgement in its shortest form, all of it lies before `end`, and it
 * is legal in every version; 0 otherwise.
 */
export const acknowledgementAt = (bytes: Uint8Array, position: number, end: number): Acknowledgement | 0 => {
  const firstByte = bytes[position]!
  if (firstByte < 0x40 || firstByte >= 0x80 || position + ACKNOWLEDGEMENT_BYTES > end) return 0
  const type = (firstByte >> 4) as Acknowledgement
  if (firstByte !== firstByteOf(type) || bytes[position + 1] !== 2) return 0
  return (bytes[position + 2]! | bytes[position + 3]!) === 0 ? 0 : type // [MQTT-2.2.1-3]
}
