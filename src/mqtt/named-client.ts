import { PacketReader } from './packet-reader.ts'

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
  reader.open(bytes, start, bytes.length, 0)
  if (reader.checkString('Protocol Name') !== undefined) return undefined
  const name = bytes.toString('latin1', reader.stringStart, reader.position)
  if (name !== 'MQTT' && name !== 'MQIsdp') return undefined
  // Later versions are expected to have Properties, too. Bridges set the top bit of 3 and 4.
  const hasProperties = isAfterMqtt3(reader.byte())
  reader.position += FLAGS_AND_KEEP_ALIVE_BYTES
  if (hasProperties) {
    const length = reader.variableByteInteger()
    if (length < 0) return undefined
    reader.position += length
  }
  if (reader.checkString('Client Identifier') !== undefined) return undefined
  return bytes.toString('utf8', reader.stringStart, reader.position) || undefined
}

const isAfterMqtt3 = (level: number): boolean => level > 4 && level < 0x80
