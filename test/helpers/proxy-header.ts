const V2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n')

export interface ProxyHeaderFields {
  /** An IPv4 address. */
  readonly address?: string
  readonly port?: number
  /** The common name of a client certificate that the proxy has verified. */
  readonly commonName?: string
  /** The server name that the client asked for. */
  readonly serverName?: string
}

const value = (type: number, content: Uint8Array): Buffer =>
  Buffer.concat([Uint8Array.of(type, content.length >> 8, content.length & 0xff), content])

/** A header of the PROXY protocol, version 2. */
export const proxyHeader = ({
  address = '192.0.2.7',
  port = 5123,
  commonName,
  serverName,
}: ProxyHeaderFields = {}): Buffer => {
  const addresses = Buffer.from([...address.split('.').map(Number), 192, 0, 2, 1, port >> 8, port & 0xff, 7, 91])
  const tls =
    commonName === undefined
      ? Buffer.alloc(0)
      : value(0x20, Buffer.concat([Uint8Array.of(7, 0, 0, 0, 0), value(0x22, Buffer.from(commonName))]))
  const body = Buffer.concat([addresses, ...(serverName === undefined ? [] : [value(2, Buffer.from(serverName))]), tls])
  return Buffer.concat([V2, Uint8Array.of(0x21, 0x11, body.length >> 8, body.length & 0xff), body])
}
