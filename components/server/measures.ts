import type { ListenerInfo } from '../../src/kinds/listener.ts'
import { counter, gauge, type Measure } from '../../src/system/define-system.ts'
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
  const connections = 'connections'
  const full = 'Connections refused because there were as many as maximumConnections allows, or for a reason below.'
  const ended = 'Connections that ended, by who ended them.'
  return [
    gauge('open', connections, 'Connections open now.', () => server.connections),
    counter('accepted', connections, 'Connections that were let in.', () => counters.accepted),
    gauge('draining', 'servers', '1 while the server stops: it takes no connections.', () => (server.draining ? 1 : 0)),
    gauge(
      'connected',
      'addresses',
      'Addresses with an open connection; those without limits are not counted.',
      () => server.addresses.connected,
    ),
    gauge('banned', 'addresses', 'Addresses that are banned now.', () => server.addresses.banned),
    counter('refused', connections, full, () => counters.refused),
    counter('refused_by_listener', connections, 'Too many for their listener.', () => counters.refusedByListener),
    counter('refused_by_address', connections, 'Too many for their address.', () => counters.refusedByAddress),
    counter('refused_by_rate', connections, 'Their address connected too often.', () => counters.refusedByRate),
    counter('refused_by_ban', connections, 'Their address was banned.', () => counters.refusedByBan),
    counter('bans', 'addresses', 'Addresses banned after failed authentications.', () => counters.bans),
    counter(
      'failed_authentications',
      'clients',
      'Clients that failed to authenticate.',
      () => counters.failedAuthentications,
    ),
    counter('ended', connections, ended, () => counters.endedByClient, { by: 'client' }),
    counter('ended', connections, ended, () => counters.endedByNetwork, { by: 'network' }),
    counter('ended', connections, ended, () => counters.endedByBroker, { by: 'broker' }),
    counter('cut_off', connections, 'Cut off: they read too slowly, and too much waited.', () => counters.slowReaders),
    gauge('pending', 'bytes', 'Bytes that wait for all clients together.', () => server.pendingBytes),
    counter('received', 'bytes', 'Bytes that came from clients.', () => counters.bytesReceived),
    counter('sent', 'bytes', 'Bytes given to the operating system for clients.', () => counters.bytesSent),
  ]
}
