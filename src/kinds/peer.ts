/** The other side of a network connection, as the transport found it. Data only: it never changes, and may be stored. */
export interface Peer {
  /** Its address without the port: `192.0.2.7`, `::1`. Empty when there is none, as on a Unix socket, or none is known. */
  readonly address: string
  /** 0 when there is none. */
  readonly port: number
  /** The name of the component that accepted the connection: `server`. */
  readonly listener: string
  /** How the bytes are carried: `tcp`, `tls`, `ws`, `wss`, `unix`, or the name of another transport. */
  readonly transport: string
  /** Data of the TLS handshake; omitted if the connection has no TLS. */
  readonly tls?: PeerTls | undefined
  /** The address and port were sent by a trusted proxy, and are not those of the connection itself. */
  readonly proxied?: boolean | undefined
}

/** Data about the peer from the TLS handshake. All but `serverName` are those of a client certificate that was verified. */
export interface PeerTls {
  /** The subject of the certificate, as one line, the most specific part first (RFC 2253): `CN=device-7,O=Example,C=DE`. */
  readonly subject?: string | undefined
  /** Left out when the subject has none, or more than one. */
  readonly commonName?: string | undefined
  /** The serial number, in hexadecimal digits. */
  readonly serial?: string | undefined
  /** SHA-256 of the certificate, as OpenSSL writes it: pairs of upper-case hexadecimal digits, separated by colons. */
  readonly fingerprint?: string | undefined
  /** The alternative names of the certificate, each with its type: `DNS:device-7.example`, `URI:urn:device:7`. */
  readonly alternativeNames?: readonly string[] | undefined
  /** The name of the server that the client asked for (SNI). */
  readonly serverName?: string | undefined
}

/** A peer of which nothing is known. */
export const UNKNOWN_PEER: Peer = Object.freeze({ address: '', port: 0, listener: '', transport: '' })

/**
 * A peer in a line of the log: `192.0.2.7:5123`, `[::1]:5123`. A peer without an address is named by its transport and
 * listener, `unix:localSocket`, or is `unknown` if the operating system does not have the address any more.
 */
export const describePeer = ({ address, port, listener, transport }: Peer): string => {
  if (address !== '') return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  return transport === 'unix' ? `${transport}:${listener}` : 'unknown'
}
