import { isIPv4, isIPv6 } from 'node:net'
import { ProxyHeaderError } from './proxy-header-error.ts'
import { type ProxyTls, readProxyValues } from './proxy-values.ts'

/** Bytes of the longest header of version 1, with its line break. */
export const MAXIMUM_V1_BYTES = 107
/** Bytes of the longest header of version 2 that is accepted, with its values. Headers with a certificate's names have some 200. */
const MAXIMUM_V2_BYTES = 2_048

/** What a proxy told about a connection, in front of its first byte. */
export interface ProxyHeader {
  /** Where the connection comes from; undefined if the proxy itself opened it, as for a health check, or does not know. */
  readonly source: ProxySource | undefined
  /** What TLS between the client and the proxy found out; undefined if there was none. */
  readonly tls: ProxyTls | undefined
}

export interface ProxySource {
  /** Empty for a client on a Unix socket of the proxy. */
  readonly address: string
  readonly port: number
}

const V1_START = Buffer.from('PROXY ')
const V2_START = Buffer.from('\r\n\r\n\0\r\nQUIT\n')
/** The shortest header of version 1 is `PROXY UNKNOWN` with its line break. */
const SHORTEST_V1_BYTES = 15
const V2_FIXED_BYTES = 16
const CARRIAGE_RETURN = 0x0d

/**
 * Reads one header of the PROXY protocol, version 1 or 2, in pieces of any size. It never asks for a byte behind the header, so that
 * the bytes of the client stay where they are.
 */
export class ProxyHeaderReader {
  #bytes = Buffer.allocUnsafe(MAXIMUM_V1_BYTES)
  #length = 0
  /** How many bytes `read` may be given next, at most. */
  wanted = SHORTEST_V1_BYTES

  /**
   * Takes the next bytes of a connection.
   * @param piece at most `wanted` bytes.
   * @returns the header when it is complete, else undefined.
   * @throws ProxyHeaderError at the first byte that no header has at this place.
   */
  read(piece: Uint8Array): ProxyHeader | undefined {
    if (piece.length > this.wanted) throw new RangeError(`at most ${this.wanted} bytes may be read next`)
    this.#bytes.set(piece, this.#length)
    this.#length += piece.length
    const isV2 = this.#bytes[0] === V2_START[0]
    this.#checkStart(isV2 ? V2_START : V1_START)
    return isV2 ? this.#readV2() : this.#readV1()
  }

  #checkStart(start: Buffer): void {
    const length = Math.min(this.#length, start.length)
    if (start.compare(this.#bytes, 0, length, 0, length) === 0) return
    throw new ProxyHeaderError('the connection does not begin with a PROXY header')
  }

  #readV1(): ProxyHeader | undefined {
    const end = this.#bytes.subarray(0, this.#length).indexOf('\r\n')
    if (end >= 0) return readLine(this.#bytes.toString('latin1', 0, end))
    if (this.#length < SHORTEST_V1_BYTES) this.wanted = SHORTEST_V1_BYTES - this.#length
    else this.wanted = this.#bytes[this.#length - 1] === CARRIAGE_RETURN ? 1 : 2
    if (this.#length + this.wanted > MAXIMUM_V1_BYTES) {
      throw new ProxyHeaderError(`a header of version 1 has at most ${MAXIMUM_V1_BYTES} bytes`)
    }
    return undefined
  }

  #readV2(): ProxyHeader | undefined {
    if (this.#length < V2_FIXED_BYTES) {
      this.wanted = V2_FIXED_BYTES - this.#length
      return undefined
    }
    const total = V2_FIXED_BYTES + this.#bytes.readUInt16BE(14)
    if (this.#length === V2_FIXED_BYTES) {
      if (total > MAXIMUM_V2_BYTES) {
        throw new ProxyHeaderError(`a header of version 2 with ${total} bytes, more than ${MAXIMUM_V2_BYTES}`)
      }
      checkFixedPart(this.#bytes[12]!, this.#bytes[13]!, total - V2_FIXED_BYTES)
      if (total > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes.subarray(0, V2_FIXED_BYTES)], total)
    }
    this.wanted = total - this.#length
    return this.wanted === 0 ? readBody(this.#bytes.subarray(0, total)) : undefined
  }
}

/** Reads the line of version 1, without its line break. */
const readLine = (line: string): ProxyHeader => {
  if (/^PROXY UNKNOWN(?: [\x20-\x7e]*)?$/.test(line)) return { source: undefined, tls: undefined }
  const [, family, address, destination, port, destinationPort] =
    /^PROXY (TCP[46]) ([\da-fA-F.:]+) ([\da-fA-F.:]+) (\d{1,5}) (\d{1,5})$/.exec(line) ?? []
  const isAddress = family === 'TCP4' ? isIPv4 : isIPv6
  if (family === undefined || !isAddress(address!) || !isAddress(destination!)) {
    throw new ProxyHeaderError('a header of version 1 without valid addresses')
  }
  if (!isPort(port!) || !isPort(destinationPort!))
    throw new ProxyHeaderError('a header of version 1 without valid ports')
  return { source: { address: address!, port: Number(port) }, tls: undefined }
}

const isPort = (text: string): boolean => /^(?:0|[1-9]\d*)$/.test(text) && Number(text) <= 65_535

const LOCAL = 0x20
const PROXY = 0x21
/** The address families of version 2: unspecified, IPv4, IPv6, Unix. */
const ADDRESS_BYTES = [0, 12, 36, 216] as const
const IPV4 = 1
const IPV6 = 2

const checkFixedPart = (command: number, family: number, length: number): void => {
  if (command !== LOCAL && command !== PROXY)
    throw new ProxyHeaderError('a header of version 2 with an unknown command')
  const addressBytes = ADDRESS_BYTES[family >> 4]
  // The lower half is the protocol: unspecified, stream, datagram.
  if (addressBytes === undefined || (family & 0x0f) > 2) {
    throw new ProxyHeaderError('a header of version 2 with an unknown address family')
  }
  if (command === PROXY && length < addressBytes) {
    throw new ProxyHeaderError('a header of version 2 that ends before its addresses')
  }
}

/** Reads a complete header of version 2, whose fixed part was checked. */
const readBody = (header: Buffer): ProxyHeader => {
  // A connection of the proxy itself: everything else in the header has no meaning.
  if (header[12] === LOCAL) return { source: undefined, tls: undefined }
  const family = header[13]! >> 4
  const tls = readProxyValues(header, V2_FIXED_BYTES + ADDRESS_BYTES[family as 0 | 1 | 2 | 3])
  return { source: sourceOf(header, family), tls }
}

const sourceOf = (header: Buffer, family: number): ProxySource | undefined => {
  if (family === 0) return undefined
  if (family === IPV4) {
    return { address: header.subarray(16, 20).join('.'), port: header.readUInt16BE(24) }
  }
  if (family === IPV6) return { address: ipv6Text(header.subarray(16, 32)), port: header.readUInt16BE(48) }
  return { address: '', port: 0 }
}

/** The text of an IPv6 address as RFC 5952 has it: the longest run of groups that are 0 is left out. */
const ipv6Text = (bytes: Buffer): string => {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2))
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  if (isMapped) return `::ffff:${bytes.subarray(12).join('.')}`
  let start = -1
  let longest = 1
  for (let first = 0; first < 8; first += 1) {
    let length = 0
    while (groups[first + length] === 0) length += 1
    if (length <= longest) continue
    start = first
    longest = length
  }
  const hex = groups.map((group) => group.toString(16))
  if (start < 0) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + longest).join(':')}`
}
