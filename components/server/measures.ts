import type { Listener, ListenerInfo } from '../../src/kinds/listener.ts'
import type { Measure } from '../../src/system/define-system.ts'

/** The measures of a server: those of all connections together, then those of each listener. */
export const measuresOf = (server: Listener): readonly Measure[] => [
  ...measuresOfAll(server),
  ...server.listeners.flatMap(measuresOfListener),
]

const measuresOfListener = (listener: ListenerInfo): readonly Measure[] => {
  const labels = { listener: listener.name, transport: listener.transport }
  const measure = (name: string, kind: Measure['kind'], help: string, read: () => number): Measure => ({
    name: `listener_${name}`,
    help,
    unit: 'connections',
    kind,
    read,
    labels,
  })
  return [
    measure('open', 'gauge', 'Connections open now, by listener.', () => listener.connections),
    measure('accepted', 'counter', 'Connections that were let in, by listener.', () => listener.accepted),
    measure(
      'refused',
      'counter',
      'Connections refused because there were too many, by listener.',
      () => listener.refused,
    ),
  ]
}

const measuresOfAll = (server: Listener): readonly Measure[] => {
  const { counters } = server
  const count = (name: string, unit: string, help: string, read: () => number, by?: string): Measure => ({
    name,
    help,
    unit,
    kind: 'counter',
    read,
    ...(by !== undefined && { labels: { by } }),
  })
  const connections = 'connections'
  const full = 'Connections refused because there were as many as maximumConnections allows.'
  const ended = 'Connections that ended, by who ended them.'
  return [
    { name: 'open', help: 'Connections open now.', unit: connections, kind: 'gauge', read: () => server.connections },
    count('accepted', connections, 'Connections that were let in.', () => counters.accepted),
    count('refused', connections, full, () => counters.refused),
    count(
      'failed_authentications',
      'clients',
      'Clients that failed to authenticate.',
      () => counters.failedAuthentications,
    ),
    count('ended', connections, ended, () => counters.endedByClient, 'client'),
    count('ended', connections, ended, () => counters.endedByNetwork, 'network'),
    count('ended', connections, ended, () => counters.endedByBroker, 'broker'),
    count('received', 'bytes', 'Bytes that came from clients.', () => counters.bytesReceived),
    count('sent', 'bytes', 'Bytes given to the operating system for clients.', () => counters.bytesSent),
  ]
}
