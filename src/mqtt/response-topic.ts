/** The Response Topic among the Properties of a message (section 3.3.2.3.5). */

const PAYLOAD_FORMAT_INDICATOR = 0x01
const RESPONSE_TOPIC = 0x08
const USER_PROPERTY = 0x26

/**
 * Replaces the Response Topic.
 * @param properties encoded and legal, as in `Message.properties`.
 * @param change gets its bytes, as a view. It returns the new ones, at most 65,535, or undefined to remove the property.
 * @returns the same object if there is no Response Topic; otherwise new Properties, in the same order.
 */
export const changeResponseTopic = (properties: Buffer, change: (topic: Buffer) => Buffer | undefined): Buffer => {
  let at = 0
  while (at < properties.length && properties[at] !== RESPONSE_TOPIC) at = endOfProperty(properties, at)
  if (at >= properties.length) return properties
  const end = endOfProperty(properties, at)
  const topic = change(properties.subarray(at + 3, end))
  const [before, behind] = [properties.subarray(0, at), properties.subarray(end)]
  if (topic === undefined) return Buffer.concat([before, behind])
  const header = Buffer.from([RESPONSE_TOPIC, topic.length >> 8, topic.length & 0xff])
  return Buffer.concat([before, header, topic, behind])
}

/** Where the forwarded Property at this position ends: all but one are strings or binary data. */
const endOfProperty = (bytes: Buffer, at: number): number => {
  if (bytes[at] === PAYLOAD_FORMAT_INDICATOR) return at + 2
  const end = endOfString(bytes, at + 1)
  return bytes[at] === USER_PROPERTY ? endOfString(bytes, end) : end
}

const endOfString = (bytes: Buffer, at: number): number => at + 2 + bytes.readUInt16BE(at)
