import { readFile } from 'node:fs/promises'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { createWebSocketStream, WebSocket } from 'ws'
import type { BridgeServer, BridgeTls } from './config.ts'

export interface StreamOptions {
  readonly server: BridgeServer
  readonly tls: BridgeTls | undefined
  /** In bytes. */
  readonly maximumPacketSize: number
}

/**
 * Begins to connect to a server without TLS.
 * @param opened is called when bytes can be sent. Failures are events of the stream.
 */
export const openStream = (options: StreamOptions, opened: () => void): Duplex => {
  const { host, port, path } = options.server
  if (path !== undefined) return webSocketStream(options, {}, opened)
  return connectTcp({ host, port, noDelay: true }).once('connect', opened)
}

/** The same with TLS. @param files what `tlsFiles` has read. @throws Error for files that are no certificates or keys. */
export const openSecureStream = (options: StreamOptions, files: ConnectionOptions, opened: () => void): Duplex => {
  const { server, tls } = options
  const { host, port, path } = server
  // An address has no name to be asked for (RFC 6066); the certificate must contain it all the same.
  const servername = tls?.serverName ?? (isIP(host) === 0 ? host : undefined)
  const named = { ...files, ...(servername !== undefined && { servername }) }
  if (path !== undefined) return webSocketStream(options, named, opened)
  return connectTls({ ...named, host, port })
    .setNoDelay(true)
    .once('secureConnect', opened) as Socket
}

/** The files are read for each connection, so that renewed certificates are used. */
export const tlsFiles = async (tls: BridgeTls | undefined): Promise<ConnectionOptions> => {
  if (tls === undefined) return {}
  const read = async (path: string | undefined) => (path === undefined ? undefined : await readFile(path))
  const authorities =
    tls.ca === undefined ? undefined : await Promise.all([tls.ca].flat().map((path) => readFile(path)))
  const [cert, key] = [await read(tls.cert), await read(tls.key)]
  return {
    minVersion: tls.minimumVersion,
    ...(authorities !== undefined && { ca: authorities }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(tls.passphrase !== undefined && { passphrase: tls.passphrase }),
  }
}

/** Frames and packets are independent of each other [MQTT-6.0.0-2]. */
const webSocketStream = (
  { server, maximumPacketSize }: StreamOptions,
  tls: ConnectionOptions,
  opened: () => void,
): Duplex => {
  const { host, port, path, isTls } = server
  const address = `${isTls ? 'wss' : 'ws'}://${host.includes(':') ? `[${host}]` : host}:${port}${path}`
  // [MQTT-6.0.0-3]
  const webSocket = new WebSocket(address, 'mqtt', {
    ...tls,
    perMessageDeflate: false,
    followRedirects: false,
    // A frame is in memory until it is complete.
    maxPayload: maximumPacketSize + FRAME_ROOM,
  })
  const stream = createWebSocketStream(webSocket)
  webSocket.once('open', opened)
  // [MQTT-6.0.0-1]
  webSocket.on('message', (_data, isBinary) => {
    if (!isBinary) stream.destroy(new Error('it sent a text frame'))
  })
  return stream
}

/** So much more than the largest packet a frame may hold, in bytes: small packets that come with it. */
const FRAME_ROOM = 65_536
