/** Peers that speak another protocol than MQTT: recognised by their first bytes, for the log. */

/** The signature of version 2 of the PROXY protocol, as far as it is compared. */
const PROXY_VERSION_2 = Buffer.from('0d0a0d0a000d0a51', 'hex')
/** The first byte of a TLS record with a handshake, and the high byte of its version. */
const TLS_HANDSHAKE = 0x16
const TLS_VERSION = 0x03
const HTTP_METHOD = /^(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI) /
/** As many bytes as the longest HTTP method has, with the space behind it. */
const COMPARED_BYTES = 8

/**
 * Recognises the first bytes of a connection that are not MQTT.
 * @param bytes from the first byte of the connection on, as many as have come.
 * @returns a sentence for the log; undefined if the protocol is not recognised.
 */
export const otherProtocol = (bytes: Buffer): string | undefined => {
  if (bytes.length < 2) return undefined
  if (bytes[0] === TLS_HANDSHAKE && bytes[1] === TLS_VERSION) return looksLike('TLS')
  const begin = bytes.toString('latin1', 0, COMPARED_BYTES)
  if (HTTP_METHOD.test(begin)) return looksLike('HTTP or WebSocket')
  if (begin.startsWith('PROXY ') || bytes.subarray(0, PROXY_VERSION_2.length).equals(PROXY_VERSION_2)) {
    return looksLike('a PROXY protocol header')
  }
  return undefined
}

const looksLike = (protocol: string): string => `The first bytes look like ${protocol}.`
