import { PROPERTIES, type Property } from './properties.ts'
import type { PropertiesObject } from './read-properties.ts'
import { variableByteIntegerSize, writeVariableByteInteger } from './variable-byte-integer.ts'

/** The most bytes that a UTF-8 Encoded String and Binary Data can have. */
const MAXIMUM_FIELD_BYTES = 65_535

/**
 * Encodes Properties with their Property Length, from the form that `readProperties` returns. It does not check in which packet
 * a property may stand.
 * @throws RangeError when a property is unknown, or when its value does not fit.
 */
export const encodeProperties = (properties: PropertiesObject = {}): Buffer => {
  const parts: Buffer[] = []
  for (const [key, value] of Object.entries(properties)) {
    const property = BY_KEY.get(key)
    if (property === undefined) throw new RangeError(`There is no property ${key}.`)
    if (value === undefined) continue
    for (const each of valuesOf(property, value))
      parts.push(Buffer.of(property.identifier), encodeValue(property, each))
  }
  const body = Buffer.concat(parts)
  return Buffer.concat([encodeVariableByteInteger(body.length), body])
}

/** A UTF-8 Encoded String or Binary Data, with its length. @throws RangeError when it is too long. */
export const encodeField = (value: string | Uint8Array, name: string): Buffer => {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  if (bytes.length > MAXIMUM_FIELD_BYTES)
    throw new RangeError(`The ${name} is longer than ${MAXIMUM_FIELD_BYTES} bytes.`)
  const field = Buffer.allocUnsafe(2 + bytes.length)
  field.writeUInt16BE(bytes.length)
  field.set(bytes, 2)
  return field
}

export const encodeVariableByteInteger = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(variableByteIntegerSize(value))
  writeVariableByteInteger(bytes, 0, value)
  return bytes
}

const BY_KEY: ReadonlyMap<string, Property> = new Map(
  PROPERTIES.flatMap((property) => (property === undefined ? [] : [[property.key, property] as const])),
)

/** User Properties and Subscription Identifiers can have several values. */
const valuesOf = ({ type }: Property, value: unknown): readonly unknown[] => {
  if (type !== 'stringPair') return Array.isArray(value) ? value : [value]
  return Object.entries(value as Record<string, string | string[]>).flatMap(([name, values]) =>
    [values].flat().map((each) => [name, each]),
  )
}

const encodeValue = ({ type, name }: Property, value: unknown): Buffer => {
  switch (type) {
    case 'byte':
      return Buffer.of(Number(value))
    case 'twoByteInteger': {
      const bytes = Buffer.allocUnsafe(2)
      bytes.writeUInt16BE(value as number)
      return bytes
    }
    case 'fourByteInteger': {
      const bytes = Buffer.allocUnsafe(4)
      bytes.writeUInt32BE(value as number)
      return bytes
    }
    case 'variableByteInteger':
      return encodeVariableByteInteger(value as number)
    case 'string':
    case 'binary':
      return encodeField(value as string | Uint8Array, name)
    case 'stringPair':
      return Buffer.concat((value as readonly string[]).map((each) => encodeField(each, name)))
  }
}
