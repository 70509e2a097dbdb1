import type { PacketReader } from './packet-reader.ts'
import { PROPERTIES, type Property } from './properties.ts'

/** Properties under mqtt-packet's names. User Properties are an object of string or string[] by name. */
export type PropertiesObject = Record<string, unknown>

/**
 * Reads the Properties of a packet that was checked, as mqtt-packet would; buffers in them are views.
 * @returns undefined when the packet has none.
 */
export const readProperties = (reader: PacketReader): PropertiesObject | undefined => {
  const length = reader.variableByteInteger()
  if (length === 0) return undefined
  const end = reader.position + length
  const properties: PropertiesObject = {}
  while (reader.position < end) {
    const property = PROPERTIES[reader.byte()]!
    if (property.type === 'stringPair') readUserProperty(reader, properties)
    else if (property.type === 'variableByteInteger') readSubscriptionIdentifier(reader, property.key, properties)
    else properties[property.key] = readValue(reader, property)
  }
  return properties
}

const readValue = (reader: PacketReader, property: Property): unknown => {
  switch (property.type) {
    case 'byte':
      return reader.byte() === 1
    case 'twoByteInteger':
      return reader.twoByteInteger()
    case 'fourByteInteger':
      return reader.fourByteInteger()
    case 'binary':
      return reader.binary()
    default:
      return reader.string()
  }
}

/** A server sends one for each subscription that matches [MQTT-3.3.4-3]: then the value is a list. */
const readSubscriptionIdentifier = (reader: PacketReader, key: string, properties: PropertiesObject): void => {
  const value = reader.variableByteInteger()
  const earlier = properties[key] as number | number[] | undefined
  if (earlier === undefined) properties[key] = value
  else properties[key] = [earlier, value].flat()
}

/** A name that comes again turns its value into a list (where mqtt-packet forgets an empty first value, this does not). */
const readUserProperty = (reader: PacketReader, properties: PropertiesObject): void => {
  // No prototype: a client names its properties `__proto__` or `constructor` if it likes.
  properties['userProperties'] ??= Object.create(null)
  const userProperties = properties['userProperties'] as Record<string, string | string[]>
  const name = reader.string()
  const value = reader.string()
  const earlier = userProperties[name]
  if (earlier === undefined) userProperties[name] = value
  else if (typeof earlier === 'string') userProperties[name] = [earlier, value]
  else earlier.push(value)
}
