import type { Socket } from 'node:net'
import type { Peer } from '../../src/kinds/peer.ts'

/**
 * The peer of a TCP socket. Node makes an object for its address that each socket keeps. So its handle is asked, by a method that
 * is not documented; where that is missing, Node's own way is taken.
 * @param listener the name of the component that accepted the connection.
 */
export const peerOf = (socket: Socket, listener: string): Peer => {
  const { _handle, _peername } = socket as unknown as Internals
  // Node knows the address already, and the operating system may have forgotten it.
  if (_peername !== undefined || typeof _handle?.getpeername !== 'function') {
    return tcpPeer(socket.remoteAddress, socket.remotePort, listener)
  }
  return _handle.getpeername(found) === 0
    ? tcpPeer(found.address, found.port, listener)
    : tcpPeer(undefined, undefined, listener)
}

/** The peer of a TCP connection; `address` is undefined where the operating system has forgotten it. */
export const tcpPeer = (address = '', port = 0, listener: string): Peer => ({
  address,
  port,
  listener,
  transport: 'tcp',
})

/** Filled by each call, and read at once. */
const found = { address: '', family: '', port: 0 }

interface Internals {
  readonly _handle: { getpeername?(out: object): number } | null
  readonly _peername?: object
}
