/** MQTT Control Packet types (section 2.1.2): the upper four bits of a packet's first byte. */
export const PacketType = {
  Reserved: 0,
  Connect: 1,
  Connack: 2,
  Publish: 3,
  Puback: 4,
  Pubrec: 5,
  Pubrel: 6,
  Pubcomp: 7,
  Subscribe: 8,
  Suback: 9,
  Unsubscribe: 10,
  Unsuback: 11,
  Pingreq: 12,
  Pingresp: 13,
  Disconnect: 14,
  Auth: 15,
} as const
export type PacketType = (typeof PacketType)[keyof typeof PacketType]

const NAMES = Object.keys(PacketType).map((name) => name.toUpperCase())

/** The name the specification writes, for messages: `PUBLISH`. @param type 0 to 15. */
export const packetTypeName = (type: number): string => NAMES[type] ?? 'RESERVED'
