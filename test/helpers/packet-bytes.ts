/**
 * Bytes in a notation that is easy to compare with the specification:
 *
 *     10 @ "MQTT" 05 02 003c [11 0000000a] "client"
 *
 * Hex digits are bytes; `@` is the Remaining Length of all that follows; `"text"` is a UTF-8 Encoded String with its length,
 * `<hex>` Binary Data with its length, `'text'` the text alone, `[...]` Properties with their Property Length.
 */
export const packetBytes = (notation: string): Buffer => {
  const at = notation.indexOf('@')
  if (at < 0) return fields(notation)
  const body = fields(notation.slice(at + 1))
  return Buffer.concat([fields(notation.slice(0, at)), variableByteInteger(body.length), body])
}

/** The encoding of a Variable Byte Integer in as few bytes as it needs. */
export const variableByteInteger = (value: number): Buffer => {
  const bytes: number[] = []
  let rest = value
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
    rest >>= 7
  } while (rest > 0)
  return Buffer.from(bytes)
}

const TOKEN = /\s+|"([^"]*)"|'([^']*)'|<([0-9a-f\s]*)>|\[([^\]]*)\]|((?:[0-9a-f]{2})+)|(.)/g

const fields = (notation: string): Buffer => {
  const parts: Buffer[] = []
  for (const match of notation.matchAll(TOKEN)) {
    const [, string, text, binary, properties, hex, other] = match
    if (string !== undefined) parts.push(prefixed(Buffer.from(string)))
    if (text !== undefined) parts.push(Buffer.from(text))
    if (binary !== undefined) parts.push(prefixed(Buffer.from(binary.replaceAll(/\s/g, ''), 'hex')))
    if (properties !== undefined) {
      const bytes = fields(properties)
      parts.push(variableByteInteger(bytes.length), bytes)
    }
    if (other !== undefined) throw new Error(`Not packet notation: ${notation.slice(match.index)}`)
    if (hex !== undefined) parts.push(Buffer.from(hex, 'hex'))
  }
  return Buffer.concat(parts)
}

const prefixed = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length]), bytes])
