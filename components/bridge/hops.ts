/** The brokers that a message came through, as User Properties: bridges must not carry it in a circle. */

/** Identifiers of the properties that may stand in `Message.properties` (table 2-4). */
const PAYLOAD_FORMAT_INDICATOR = 0x01
const USER_PROPERTY = 0x26

/** The name of the User Property. Its value is the `brokerId` of one broker. */
export const HOP = 'mqtt-jig-hop'

/** The User Property that names one broker, encoded. */
export const encodeHop = (brokerId: string): Buffer => {
  const [name, value] = [Buffer.from(HOP), Buffer.from(brokerId)]
  const bytes = Buffer.alloc(1 + 2 + name.length + 2 + value.length)
  bytes[0] = USER_PROPERTY
  bytes.writeUInt16BE(name.length, 1)
  name.copy(bytes, 3)
  bytes.writeUInt16BE(value.length, 3 + name.length)
  value.copy(bytes, 5 + name.length)
  return bytes
}

/**
 * Counts the hops of a message.
 * @param properties checked, as in `Message.properties`. @param hop of this broker, as `encodeHop` gives it.
 * @returns their number, or Infinity if this broker is among them.
 */
export const countHops = (properties: Buffer, hop: Buffer): number => {
  let hops = 0
  for (let at = 0; at < properties.length; ) {
    const end = endOfProperty(properties, at)
    if (properties[at] === USER_PROPERTY && isHop(properties, at)) {
      if (properties.subarray(at, end).equals(hop)) return Number.POSITIVE_INFINITY
      hops += 1
    }
    at = end
  }
  return hops
}

const isHop = (properties: Buffer, at: number): boolean =>
  properties.readUInt16BE(at + 1) === HOP.length && properties.toString('latin1', at + 3, at + 3 + HOP.length) === HOP

const endOfProperty = (properties: Buffer, at: number): number => {
  const identifier = properties[at]!
  if (identifier === PAYLOAD_FORMAT_INDICATOR) return at + 2
  const end = at + 3 + properties.readUInt16BE(at + 1)
  return identifier === USER_PROPERTY ? end + 2 + properties.readUInt16BE(end) : end
}
