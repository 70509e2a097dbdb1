import type { ListenerInfo } from '../../src/kinds/listener.ts'
import type { Measure } from '../../src/system/define-system.ts'
import type { MqttServer } from './mqtt-server.ts'

/** The measures of a server: those of all connections together, then those of each listener. */
export const measuresOf = (server: MqttServer): readonly Measure[] => [
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

const measuresOfAll = (server: MqttServer): readonly Measure[] => {
  const { counters } = server
  const count = (name: string, unit: string, help: string, read: () => number, by?: string): Measure => ({
    name,
    help,
    unit,
    kind: 'counter',
    read,
    ...(by !== undefined && { labels: { by } }),
  })
  const gauge = (name: string, help: string, read: () => number): Measure => ({
    ...{ name, help, unit: 'addresses', kind: 'gauge', read },
  })
  const connections = 'connections'
  const full = 'Connections refused because there were as many as maximumConnections allows, or for a reason below.'
  const ended = 'Connections that ended, by who ended them.'
  return [
    { name: 'open', help: 'Connections open now.', unit: connections, kind: 'gauge', read: () => server.connections },
    count('accepted', connections, 'Connections that were let in.', () => counters.accepted),
    {
      name: 'draining',
      help: '1 while the server stops: it takes no connections.',
      unit: 'servers',
      kind: 'gauge',
      read: () => (server.draining ? 1 : 0),
    },
    gauge(
      'connected',
      'Addresses with an open connection; those without limits are not counted.',
      () => server.addresses.connected,
    ),
    gauge('banned', 'Addresses that are banned now.', () => server.addresses.banned),
    count('refused', connections, full, () => counters.refused),
    count('refused_by_listener', connections, 'Too many for their listener.', () => counters.refusedByListener),
    count('refused_by_address', connections, 'Too many for their address.', () => counters.refusedByAddress),
    count('refused_by_rate', connections, 'Their address connected too often.', () => counters.refusedByRate),
    count('refused_by_ban', connections, 'Their address was banned.', () => counters.refusedByBan),
    count('bans', 'addresses', 'Addresses banned after failed authentications.', () => counters.bans),
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
