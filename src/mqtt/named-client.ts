import { PacketReader } from './packet-reader.ts'

/** Bridges of mosquitto set this bit of the Protocol Level of MQTT 3 to ask for a private extension. */
const BRIDGE_BIT = 0x80
/** Connect Flags and Keep Alive. */
const FLAGS_AND_KEEP_ALIVE_BYTES = 3

/**
 * The Client Identifier that a refused CONNECT packet names, for the log. The packet may be wrong in any place, and incomplete:
 * the fields before the identifier are skipped and not checked.
 * @param bytes holds the packet's body, or the beginning of it, from `start` on.
 * @returns undefined when the identifier is empty, ill-formed, or not there.
 */
export const namedClient = (bytes: Buffer, start: number): string | undefined => {
  const reader = new PacketReader()
  const level = readLevel(reader, bytes, start)
  if (level === undefined) return undefined
  // Later versions are expected to have Properties, too.
  const hasProperties = level > 4 && level < BRIDGE_BIT
  reader.position += FLAGS_AND_KEEP_ALIVE_BYTES
  if (hasProperties) {
    const length = reader.variableByteInteger()
    if (length < 0) return undefined
    reader.position += length
  }
  if (reader.checkString('Client Identifier') !== undefined) return undefined
  return bytes.toString('utf8', reader.stringStart, reader.position) || undefined
}

/**
 * What the log says of the Protocol Level of a CONNECT packet that is refused for it.
 * @param bytes holds the packet's body, or the beginning of it, from `start` on.
 */
export const describeLevel = (bytes: Buffer, start: number): string | undefined => {
  const level = readLevel(new PacketReader(), bytes, start)
  if (level === undefined) return undefined
  const extended = level & ~BRIDGE_BIT
  if (level === extended || (extended !== 3 && extended !== 4)) return `The Protocol Level is ${level}.`
  return `The Protocol Level is ${level}: a bridge of mosquitto tries it first and connects again without (try_private).`
}

/** Reads up to the Protocol Level. @returns undefined when it is not there, or the Protocol Name is not that of MQTT. */
const readLevel = (reader: PacketReader, bytes: Buffer, start: number): number | undefined => {
  reader.open(bytes, start, bytes.length, 0)
  if (reader.checkString('Protocol Name') !== undefined) return undefined
  const name = bytes.toString('latin1', reader.stringStart, reader.position)
  if (name !== 'MQTT' && name !== 'MQIsdp') return undefined
  const level = reader.byte()
  return level < 0 ? undefined : level
}
