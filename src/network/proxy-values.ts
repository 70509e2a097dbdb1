import { ProxyHeaderError } from './proxy-header-error.ts'

/** What TLS between a client and a proxy found out. */
export interface ProxyTls {
  /** The common name of the client certificate, if the proxy has verified one. */
  readonly commonName?: string | undefined
  /** The name of the server that the client asked for. */
  readonly serverName?: string | undefined
}

/** Types of the values that follow the addresses of version 2 of the PROXY protocol. */
const AUTHORITY = 0x02
const CRC32C = 0x03
const SSL = 0x20
const SSL_COMMON_NAME = 0x22

/** Flags of the value `SSL`. */
const CLIENT_USED_TLS = 0x01
const CLIENT_SENT_CERTIFICATE = 0x02 | 0x04
/** The flags, and the result of the verification: 0 if the certificate is valid. */
const SSL_FIXED_BYTES = 5

/**
 * Reads the values of a header of version 2. Values of unknown types are passed over.
 * @param start where the first value begins.
 * @returns undefined if the client did not use TLS.
 * @throws ProxyHeaderError if a value goes past the end, or the checksum is wrong.
 */
export const readProxyValues = (header: Buffer, start: number): ProxyTls | undefined => {
  let serverName: string | undefined
  let commonName: string | undefined
  let isTls = false
  eachValue(header, start, (type, value) => {
    if (type === AUTHORITY) serverName = textOf(value)
    else if (type === CRC32C) checkSum(header, value)
    else if (type === SSL) {
      if (value.length < SSL_FIXED_BYTES) throw new ProxyHeaderError('a value for TLS that is too short')
      isTls = (value[0]! & CLIENT_USED_TLS) !== 0
      const isVerified = (value[0]! & CLIENT_SENT_CERTIFICATE) !== 0 && value.readUInt32BE(1) === 0
      eachValue(value, SSL_FIXED_BYTES, (part, text) => {
        if (part === SSL_COMMON_NAME && isTls && isVerified) commonName = textOf(text)
      })
    }
  })
  return isTls || serverName !== undefined ? { commonName, serverName } : undefined
}

const eachValue = (bytes: Buffer, start: number, take: (type: number, value: Buffer) => void): void => {
  for (let offset = start; offset < bytes.length; ) {
    const valueStart = offset + 3
    const end = valueStart <= bytes.length ? valueStart + bytes.readUInt16BE(offset + 1) : Number.POSITIVE_INFINITY
    if (end > bytes.length) throw new ProxyHeaderError('a value goes past the end of the header')
    take(bytes[offset]!, bytes.subarray(valueStart, end))
    offset = end
  }
}

/** Names become part of rules and log lines: only what is valid text and has no control character is one. */
const textOf = (bytes: Buffer): string => {
  const text = bytes.toString()
  if (!Buffer.from(text).equals(bytes) || /\p{Cc}/u.test(text))
    throw new ProxyHeaderError('a name that is no valid text')
  return text
}

/** @param value the checksum, within the header; it counts as 0 in its own computation. */
const checkSum = (header: Buffer, value: Buffer): void => {
  if (value.length !== 4) throw new ProxyHeaderError('a checksum that has not four bytes')
  const start = value.byteOffset - header.byteOffset
  if (crc32c(header, start) !== value.readUInt32BE(0)) throw new ProxyHeaderError('a wrong checksum')
}

/** CRC-32C, bit by bit: headers are short. @param zeroed where four bytes begin that count as 0. */
const crc32c = (bytes: Buffer, zeroed: number): number => {
  let crc = 0xffff_ffff
  for (let index = 0; index < bytes.length; index += 1) {
    crc ^= index >= zeroed && index < zeroed + 4 ? 0 : bytes[index]!
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0)
  }
  return ~crc >>> 0
}
