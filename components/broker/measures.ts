import type { StorePressure } from '../../src/kinds/store.ts'
import type { Measure } from '../../src/system/define-system.ts'
import type { BrokerCore } from './broker-core.ts'

/** What operators read of a broker: what it holds now, and each of its counters. */
export const measuresOf = (core: BrokerCore): readonly Measure[] => {
  const { sessions, retained, gauges, counters } = core
  const refusedWildcards = 'Subscriptions that were refused because of maximumWildcardLevels.'
  return [
    gauge('connected', 'clients', 'Clients that are connected now.', () => sessions.connected.size),
    gauge('held', 'sessions', 'Sessions, of clients that are connected or away.', () => sessions.count),
    gauge('away', 'sessions', 'Sessions whose clients are not connected.', () => sessions.away.count),
    gauge('retained', 'messages', 'Retained messages.', () => retained.messages.count),
    gauge('retained_memory', 'bytes', 'Memory of the retained messages.', () => retained.messages.bytes),
    gauge('queued', 'bytes', 'Memory of messages that wait or are in flight, and of Wills.', () => gauges.queuedBytes),
    gauge('wills', 'bytes', 'The part of the Wills in it.', () => gauges.willBytes),
    gauge('subscriptions', 'bytes', 'Memory of the subscriptions of all sessions.', () => gauges.subscriptionBytes),
    gauge('unreleased', 'bytes', 'Memory of QoS 2 messages that were not released.', () => gauges.unreleasedBytes),
    count('dropped', 'messages', 'Messages that the full queue of a session did not take.', () => counters.dropped),
    count('refused_queued', 'messages', 'Those of them whose publisher was told.', () => counters.refused),
    count('expired_queued', 'messages', 'Messages that waited for a session for too long.', () => counters.expired),
    count('expired_retained', 'messages', 'Retained messages that expired.', () => counters.expiredRetained),
    count(
      'refused_retained',
      'messages',
      'Messages for which there was no room to retain them.',
      () => retained.refused,
    ),
    count('refused_will', 'messages', 'Will Messages that were not accepted when due.', () => counters.refusedWills),
    count('divided', 'messages', 'Messages passed on over several turns.', () => counters.dividedPublishes),
    count(
      'reused',
      'identifiers',
      'Packet Identifiers of QoS 2 that a client used again before it released them.',
      () => counters.reusedIdentifiers,
    ),
    gauge(
      'awaiting_store',
      'sessions',
      'Sessions with answers or messages that wait for the store.',
      () => core.awaiting,
    ),
    gauge('store_pressure', 'level', '0: the store keeps pace; 1: it is slow; 2: it cannot write.', () =>
      PRESSURES.indexOf(core.journal.pressure),
    ),
    count('slow', 'stores', 'How often the store did not keep pace.', () => counters.storeSlow),
    count('stuck', 'stores', 'How often the store could not write.', () => counters.storeStuck),
    count(
      'unstored',
      'sessions',
      'Clients that were refused because the store could not write.',
      () => counters.unstoredSessions,
    ),
    count('taken_over', 'sessions', 'Connections closed for another one of the client.', () => counters.takeovers),
    count('expired', 'sessions', 'Sessions whose Session Expiry Interval was over.', () => counters.expiredSessions),
    count('given_up', 'sessions', 'Empty sessions that ended for a new one.', () => counters.givenUpSessions),
    count('refused', 'subscriptions', refusedWildcards, () => counters.refusedWildcardLevels),
    count('denied_publish', 'messages', 'Messages and Wills that were not authorized.', () => counters.deniedPublishes),
    count(
      'denied_subscribe',
      'subscriptions',
      'Subscriptions that were not authorized.',
      () => counters.deniedSubscribes,
    ),
    count('revoked', 'subscriptions', 'Subscriptions ended by a change of rules.', () => counters.endedSubscriptions),
  ]
}

const PRESSURES: readonly StorePressure[] = ['none', 'slow', 'stuck']

const gauge = (name: string, unit: string, help: string, read: () => number): Measure => ({
  name,
  help,
  unit,
  kind: 'gauge',
  read,
})

const count = (name: string, unit: string, help: string, read: () => number): Measure => ({
  name,
  help,
  unit,
  kind: 'counter',
  read,
})
