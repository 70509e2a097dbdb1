import { once } from 'node:events'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { TransportName } from '../transport.ts'
import { WebSocketStream } from './web-socket-stream.ts'

/** Where a broker listens. */
export interface Target {
  /** An address, or the path of a Unix socket. */
  readonly host: string
  readonly port: number
  /** TCP unless told otherwise. */
  readonly transport?: TransportName
}

/**
 * Opens a connection, with the handshakes that come before MQTT. Certificates are not checked: that is work of the client.
 * @param localAddress where it comes from. A Unix socket has none.
 * @returns a stream that carries MQTT. The caller listens for its errors from now on.
 * @throws the error of the network, or of the handshake.
 */
export const openSocket = async (target: Target, localAddress?: string): Promise<Duplex> => {
  const { transport = 'tcp' } = target
  const socket = await openPlain(target, localAddress)
  if (transport === 'tcp' || transport === 'unix') return socket
  const carrier = transport === 'ws' ? socket : await openTls(socket)
  return transport === 'tls' ? carrier : ready(new WebSocketStream(carrier), 'connect')
}

const openPlain = ({ host, port, transport }: Target, localAddress: string | undefined): Promise<Socket> => {
  const socket = new Socket()
  socket.setNoDelay(true)
  if (transport === 'unix') socket.connect(host)
  else socket.connect({ host, port, ...(localAddress === undefined ? {} : { localAddress }) })
  return ready(socket, 'connect')
}

const openTls = (socket: Socket): Promise<Duplex> =>
  ready(connectTls({ socket, rejectUnauthorized: false }), 'secureConnect')

/** Waits until a stream is ready. @throws its error, or Error when it is closed before. */
const ready = async <S extends Duplex>(stream: S, event: string): Promise<S> => {
  const ending = new AbortController()
  const closed = () => ending.abort(new Error('closed before it was connected'))
  stream.once('close', closed)
  try {
    await once(stream, event, { signal: ending.signal })
    return stream
  } catch (error) {
    stream.on('error', () => undefined).destroy()
    throw (error as Error).name === 'AbortError' ? ending.signal.reason : error
  } finally {
    stream.off('close', closed)
  }
}
