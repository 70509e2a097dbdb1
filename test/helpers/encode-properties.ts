import type { IPublishPacket } from 'mqtt-packet'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import { PROPERTIES, type Property } from '../../src/mqtt/properties.ts'

type PublishProperties = NonNullable<IPublishPacket['properties']>

/**
 * Encodes the forwarded properties of a PUBLISH packet, as in `Message.properties`. All other properties are omitted.
 * @throws a RangeError when a text is longer than 65,535 bytes.
 */
export const encodeForwardedProperties = (properties: PublishProperties): Buffer => {
  const parts: Buffer[] = []
  for (const [key, value] of Object.entries(properties)) {
    const property = FORWARDED.get(key)
    if (property === undefined || value === undefined) continue
    if (property.type === 'stringPair') parts.push(...encodeUserProperties(property, value as UserProperties))
    else if (property.type === 'byte') parts.push(Buffer.from([property.identifier, value ? 1 : 0]))
    else parts.push(Buffer.from([property.identifier]), prefixed(value as string | Buffer))
  }
  return Buffer.concat(parts)
}

type UserProperties = Readonly<Record<string, string | string[]>>

/** By mqtt-packet's names. */
const FORWARDED: ReadonlyMap<string, Property> = new Map(
  PROPERTIES.flatMap((property) => {
    const ofPublish = property !== undefined && (property.owners & (1 << PacketType.Publish)) !== 0
    return ofPublish && ['byte', 'string', 'binary', 'stringPair'].includes(property.type)
      ? [[property.key, property]]
      : []
  }),
)

const encodeUserProperties = ({ identifier }: Property, pairs: UserProperties): Buffer[] =>
  Object.entries(pairs).flatMap(([name, values]) =>
    [values].flat().map((value) => Buffer.concat([Buffer.from([identifier]), prefixed(name), prefixed(value)])),
  )

/** A UTF-8 Encoded String or Binary Data, with its length. */
const prefixed = (value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value as string)
  if (bytes.length > 0xffff) throw new RangeError('A property is longer than 65,535 bytes.')
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length]), bytes])
}
