import type { Listener } from '../../src/kinds/listener.ts'
import type { Measure } from '../../src/system/define-system.ts'

/** What operators read of a server. */
export const measuresOf = (server: Listener): readonly Measure[] => {
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
