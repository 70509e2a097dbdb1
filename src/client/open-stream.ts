import { connect as connectTcp, isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { createWebSocketStream, WebSocket } from 'ws'
import { MAXIMUM_PACKET_SIZE } from '../mqtt/fixed-header.ts'
import type { ProtocolVersion } from '../mqtt/protocol-version.ts'
import { ClientError } from './client-error.ts'
import { describeTarget, type Target, type TlsOptions } from './target.ts'

/**
 * Opens a connection to a broker.
 * @param signal ends the attempt.
 * @throws ClientError with the code LOOKUP, UNREACHABLE, TLS or ENDED. Nothing stays open then.
 */
export const openStream = async (target: Target, version: ProtocolVersion, signal: AbortSignal): Promise<Duplex> => {
  try {
    switch (target.transport) {
      case 'ws':
        return await openWebSocket(target, version, signal)
      case 'tls': {
        const { host, port, tls } = target
        return await opened(connectTls({ host, port, ...tlsOptions(tls, host) }), 'secureConnect', signal)
      }
      case 'unix':
        return await opened(connectTcp({ path: target.path }), 'connect', signal)
      case 'tcp':
        return await opened(connectTcp({ host: target.host, port: target.port, noDelay: true }), 'connect', signal)
    }
  } catch (error) {
    throw explain(error as NodeJS.ErrnoException, target)
  }
}

const tlsOptions = ({ ca, cert, key, insecure, serverName }: TlsOptions, host: string): ConnectionOptions => ({
  ...(ca === undefined ? {} : { ca }),
  ...(cert === undefined ? {} : { cert }),
  ...(key === undefined ? {} : { key }),
  rejectUnauthorized: insecure !== true,
  // An address is not sent as Server Name Indication.
  ...(serverName !== undefined ? { servername: serverName } : isIP(host) === 0 ? { servername: host } : {}),
})

const opened = (socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<Duplex> =>
  new Promise((resolve, reject) => {
    const finish = (): void => {
      signal.removeEventListener('abort', onAbort)
      socket.off('error', onError).off('close', onClose).off(event, onOpen)
    }
    const onAbort = (): void => onError(signal.reason)
    const onError = (error: unknown): void => {
      finish()
      socket.on('error', () => {}).destroy()
      reject(error)
    }
    const onClose = (): void => onError(new Error('the connection was closed'))
    const onOpen = (): void => {
      finish()
      resolve(socket)
    }
    signal.addEventListener('abort', onAbort)
    socket.on('error', onError).on('close', onClose).on(event, onOpen)
    if (signal.aborted) onAbort()
  })

const openWebSocket = (
  { url, tls }: Extract<Target, { transport: 'ws' }>,
  version: ProtocolVersion,
  signal: AbortSignal,
): Promise<Duplex> =>
  new Promise((resolve, reject) => {
    const webSocket = new WebSocket(url, version === 3 ? ['mqttv3.1', 'mqtt'] : 'mqtt', {
      ...(tls === undefined ? {} : tlsOptions(tls, new URL(url).hostname.replace(/^\[|\]$/g, ''))),
      perMessageDeflate: false,
      // Frames are no packets, which the parser bounds. A frame is in memory until it is complete.
      maxPayload: MAXIMUM_PACKET_SIZE,
      followRedirects: false,
    })
    const onAbort = (): void => onError(signal.reason)
    const onError = (error: unknown): void => {
      signal.removeEventListener('abort', onAbort)
      webSocket.on('error', () => {}).terminate()
      reject(error)
    }
    signal.addEventListener('abort', onAbort)
    webSocket.once('error', onError).once('open', () => {
      signal.removeEventListener('abort', onAbort)
      webSocket.off('error', onError)
      const stream = createWebSocketStream(webSocket)
      // [MQTT-6.0.0-1]
      webSocket.on('message', (_data, isBinary) => {
        if (!isBinary)
          stream.destroy(new ClientError('PROTOCOL', 'The broker broke the protocol: it sent a text frame.'))
      })
      resolve(stream)
    })
    if (signal.aborted) onAbort()
  })

const LOOKUP_CODES: ReadonlySet<string> = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME'])

const explain = (error: NodeJS.ErrnoException, target: Target): ClientError => {
  if (error instanceof ClientError) return error
  const where = describeTarget(target)
  const { code = '' } = error
  const options = { cause: error }
  if (LOOKUP_CODES.has(code))
    return new ClientError('LOOKUP', `The host of ${where} has no address (${code}).`, options)
  if (/^(?:ERR_SSL|ERR_TLS|ERR_OSSL|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO|HOSTNAME_)|CERT|EPROTO/.test(code)) {
    return new ClientError('TLS', `TLS with ${where} failed: ${tlsReason(error)}`, options)
  }
  return new ClientError('UNREACHABLE', `The broker at ${where} does not answer: ${reasonOf(error)}.`, options)
}

/** An AggregateError of `net` has no message of its own. */
const reasonOf = ({ code = '', message }: NodeJS.ErrnoException): string => CODES[code] ?? (message || code)

const CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ETIMEDOUT: 'no answer in time',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'the network is unreachable',
  ECONNRESET: 'the connection was reset',
  ENOENT: 'there is no such socket',
  EACCES: 'permission denied',
}

const tlsReason = ({ code, message }: NodeJS.ErrnoException): string => {
  const hint =
    code === 'SELF_SIGNED_CERT_IN_CHAIN' ||
    code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' ||
    code === 'DEPTH_ZERO_SELF_SIGNED_CERT'
      ? ' Name the certificate of its authority with --cafile.'
      : ''
  return `${message}.${hint}`
}
