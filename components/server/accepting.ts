import type { Server, Socket } from 'node:net'

/**
 * Makes the sockets of accepted connections in place of Node. Node's own Socket cannot read into shared memory, so each
 * connection would need a second socket, which costs a tenth of a connection. This uses undocumented parts of `net.Server` that
 * exist in every version of Node so far. Without them it does nothing, and Node makes the sockets.
 * @param make makes the socket of a connection, from what Node calls its handle.
 * @returns ends it: then Node makes the sockets again.
 */
export const acceptWith = (server: Server, make: (handle: object) => Socket): (() => void) => {
  const internals = server as unknown as ServerInternals
  const listening = internals._handle
  const byNode = listening?.onconnection
  if (typeof byNode !== 'function' || typeof internals._connections !== 'number') return () => undefined
  const onConnection: OnConnection = (error, handle) => {
    const { maxConnections } = server
    // Node handles errors and connections over its limit.
    if (error || handle === undefined || (maxConnections > 0 && internals._connections >= maxConnections)) {
      byNode.call(listening, error, handle)
      return
    }
    const socket = make(handle)
    const counted = socket as unknown as SocketInternals
    // The server counts its sockets when they are closed.
    internals._connections += 1
    counted._server = server
    counted.server = server
    server.emit('connection', socket)
  }
  listening!.onconnection = onConnection
  return () => {
    if (listening!.onconnection === onConnection) listening!.onconnection = byNode
  }
}

/** Called by Node for each connection, with an error that is not 0, or with its handle. */
type OnConnection = (error: number, handle: object | undefined) => void

interface ServerInternals {
  readonly _handle: { onconnection: OnConnection } | null
  _connections: number
}

interface SocketInternals {
  _server: Server
  server: Server
}
