import type { SocketTransport, TransportRecord } from './socket-transport.ts'

/** What the hand-overs of all transports over sockets have in common. A component adds `format`, `version` and `prepare`. */
export const socketHandover = {
  give: (instance: SocketTransport): TransportRecord => instance.give(),
  rehearse: (instance: SocketTransport, record: TransportRecord) => instance.rehearse(record),
  take: (instance: SocketTransport, record: TransportRecord) => instance.continueFrom(record),
  retire: (instance: SocketTransport) => instance.retire(),
  discard: (instance: SocketTransport) => instance.discard(),
}
