import type { IConnackPacket } from 'mqtt-packet'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import { PROPERTIES, type Property } from '../../src/mqtt/properties.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { generatePacket } from './generate-packet.ts'

/** Bytes of a property, with its identifier; those of other types have no fixed size. */
const SIZES: Partial<Record<Property['type'], number>> = { byte: 2, twoByteInteger: 3, fourByteInteger: 5 }

/** By the names that mqtt-packet has for them. */
const BY_KEY: ReadonlyMap<string, Property> = new Map(
  PROPERTIES.flatMap((property) => (property === undefined ? [] : [[property.key, property]])),
)

/** Fixed header, flags, Reason Code and Property Length. */
const HEAD_BYTES = 5
/** With more bytes of properties, their length and that of the packet would not fit in one byte each. */
const MAXIMUM_PROPERTY_BYTES = 100

/**
 * Bytes of CONNACK, whose properties are mostly numbers. One with other properties, or that cannot be encoded, is left to
 * mqtt-packet: this way a connection costs three in a hundred less.
 */
export const encodeConnack = (packet: IConnackPacket, version: ProtocolVersion): Uint8Array => {
  const { sessionPresent, returnCode, reasonCode, properties } = packet
  const flags = sessionPresent ? 1 : 0
  if (version !== 5) {
    return isByte(returnCode)
      ? Uint8Array.of(PacketType.Connack << 4, 2, flags, returnCode)
      : generatePacket(packet, version)
  }
  const propertyBytes = sizeOf(properties)
  if (!isByte(reasonCode) || propertyBytes > MAXIMUM_PROPERTY_BYTES) return generatePacket(packet, version)
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + propertyBytes)
  bytes[0] = PacketType.Connack << 4
  bytes[1] = HEAD_BYTES - 2 + propertyBytes
  bytes[2] = flags
  bytes[3] = reasonCode
  bytes[4] = propertyBytes
  if (properties !== undefined) writeNumbers(bytes, properties)
  return bytes
}

type Properties = NonNullable<IConnackPacket['properties']>

const isByte = (code: number | undefined): code is number => code !== undefined && code >= 0 && code <= 0xff

/** @returns Infinity when they are not numbers alone. */
const sizeOf = (properties: Properties | undefined): number => {
  let size = 0
  for (const key in properties) {
    const type = BY_KEY.get(key)?.type
    const bytes = type && SIZES[type]
    const value = properties[key as keyof Properties]
    if (bytes === undefined || !isInRange(value, bytes - 1)) return Number.POSITIVE_INFINITY
    size += bytes
  }
  return size
}

const isInRange = (value: unknown, bytes: number): boolean =>
  bytes === 1 ? value === true || value === false || value === 0 || value === 1 : isUnsigned(value, 256 ** bytes)

const isUnsigned = (value: unknown, below: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < below

const writeNumbers = (bytes: Buffer, properties: Properties): void => {
  let position = HEAD_BYTES
  for (const key in properties) {
    const { identifier, type } = BY_KEY.get(key)!
    const value = Number(properties[key as keyof Properties])
    bytes[position] = identifier
    position = bytes.writeUIntBE(value, position + 1, SIZES[type]! - 1)
  }
}
