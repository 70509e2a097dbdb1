import type { Peer } from '../../src/kinds/peer.ts'

/** The peer of a TCP connection from `192.0.2.7:5123` or `[::1]:5123`. */
export const peerAt = (text: string): Peer => {
  const colon = text.lastIndexOf(':')
  const address = text.slice(0, colon).replaceAll(/[[\]]/g, '')
  return { address, port: Number(text.slice(colon + 1)), listener: 'server', transport: 'tcp' }
}
