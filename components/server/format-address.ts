import type { Socket } from 'node:net'

/** `127.0.0.1:1883`, `[::1]:1883`; `unknown:0` where the operating system has forgotten the address. */
export const formatAddress = (address = 'unknown', port = 0): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`

/**
 * Formats the address of the peer of a socket. Node makes an object for it that each socket keeps. So its handle is asked, by
 * a method that is not documented; where that is missing, Node's own way is taken.
 */
export const formatRemote = (socket: Socket): string => {
  const { _handle, _peername } = socket as unknown as Internals
  // Node knows the address already, and the operating system may have forgotten it.
  if (_peername !== undefined || typeof _handle?.getpeername !== 'function') {
    return formatAddress(socket.remoteAddress, socket.remotePort)
  }
  return _handle.getpeername(found) === 0 ? formatAddress(found.address, found.port) : formatAddress()
}

const found = { address: '', family: '', port: 0 }

interface Internals {
  readonly _handle: { getpeername?(out: object): number } | null
  readonly _peername?: object
}
