import { PacketType } from '../mqtt/packet-type.ts'
import { PROPERTIES, type Property, type PropertyOwner, WILL_PROPERTIES } from '../mqtt/properties.ts'
import type { PropertiesObject } from '../mqtt/read-properties.ts'
import { UsageError } from './arguments.ts'

/** The commands of `--property`, as mosquitto_pub names them. */
const OWNERS = {
  connect: PacketType.Connect,
  publish: PacketType.Publish,
  subscribe: PacketType.Subscribe,
  unsubscribe: PacketType.Unsubscribe,
  disconnect: PacketType.Disconnect,
  will: WILL_PROPERTIES,
} as const satisfies Record<string, PropertyOwner>
export type PropertyCommand = keyof typeof OWNERS

export type PropertyArguments = Readonly<Partial<Record<PropertyCommand, PropertiesObject>>>

/** Properties that the client sets itself. */
const RESERVED: ReadonlySet<string> = new Set(['authentication-method', 'authentication-data'])

/** `Content Type` is `content-type`. */
const argumentName = ({ name }: Property): string => name.toLowerCase().replaceAll(' ', '-')

/**
 * Reads the values of `--property COMMAND NAME VALUE`.
 * @throws UsageError that lists what would do.
 */
export const readProperties = (given: readonly (readonly string[])[]): PropertyArguments => {
  const result: Partial<Record<PropertyCommand, PropertiesObject>> = {}
  for (const [command, name, ...values] of given) {
    if (!Object.hasOwn(OWNERS, command!)) {
      throw new UsageError(`--property ${command}: the command is one of ${Object.keys(OWNERS).join(', ')}.`)
    }
    const owner = command as PropertyCommand
    const possible = PROPERTIES.filter(
      (property): property is Property =>
        property !== undefined &&
        (property.owners & (1 << OWNERS[owner])) !== 0 &&
        !RESERVED.has(argumentName(property)),
    )
    const property = possible.find((each) => argumentName(each) === name)
    if (property === undefined) {
      const names = possible.map(argumentName).join(', ')
      throw new UsageError(`--property ${command} ${name}: the properties of ${command} are ${names}.`)
    }
    result[owner] ??= {}
    addProperty(result[owner], property, values)
  }
  return result
}

const addProperty = (
  properties: PropertiesObject,
  property: Property,
  [first = '', second = '']: readonly string[],
): void => {
  if (property.type === 'stringPair') {
    properties[property.key] ??= Object.create(null)
    const pairs = properties[property.key] as Record<string, string[]>
    pairs[first] = [...(pairs[first] ?? []), second]
    return
  }
  properties[property.key] = parseValue(property, first)
}

const MAXIMA = {
  byte: 1,
  twoByteInteger: 0xffff,
  fourByteInteger: 0xffff_ffff,
  variableByteInteger: 268_435_455,
} as const

const parseValue = (property: Property, text: string): unknown => {
  const { type, minimum } = property
  if (type === 'string') return text
  if (type === 'binary') return Buffer.from(text)
  const maximum = MAXIMA[type as keyof typeof MAXIMA]
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < minimum || value > maximum) {
    throw new UsageError(`${argumentName(property)} ${text}: a whole number from ${minimum} to ${maximum} is expected.`)
  }
  return type === 'byte' ? value === 1 : value
}

/** The properties of a received message under the names that `--property` has, in the order of the specification. */
export const namedProperties = (properties: PropertiesObject): readonly (readonly [string, unknown])[] =>
  PROPERTIES.flatMap((property) => {
    const value = property === undefined ? undefined : properties[property.key]
    return value === undefined ? [] : [[argumentName(property!), value] as const]
  })
