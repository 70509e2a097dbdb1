import type { StorePressure } from '../../src/kinds/store.ts'
import { counter, gauge, type Measure } from '../../src/system/define-system.ts'
import type { BrokerCore } from './broker-core.ts'
import type { BrokerCounters } from './counters.ts'
import { UNMOVABLE } from './until-movable.ts'

/** What operators read of a broker: what it holds now, and each of its counters. */
export const measuresOf = (core: BrokerCore): readonly Measure[] => {
  const { sessions, retained, gauges, counters, quotas } = core
  const refusedWildcards = 'Subscriptions that were refused because of maximumWildcardLevels.'
  const deniedRetained = 'Retained messages not delivered since their publishers lost the right.'
  return [
    gauge('connected', 'clients', 'Clients that are connected now.', () => sessions.connected.size),
    gauge('held', 'sessions', 'Sessions, of clients that are connected or away.', () => sessions.count),
    gauge('away', 'sessions', 'Sessions whose clients are not connected.', () => sessions.away.count),
    gauge('holding', 'users', 'Users that hold a session or a retained message.', () => quotas.count),
    ...ofRetained(retained),
    gauge('queued', 'bytes', 'Memory of messages that wait or are in flight, and of Wills.', () => gauges.queuedBytes),
    gauge('wills', 'bytes', 'The part of the Wills in it.', () => gauges.willBytes),
    gauge('subscriptions', 'bytes', 'Memory of the subscriptions of all sessions.', () => gauges.subscriptionBytes),
    gauge('unreleased', 'bytes', 'Memory of QoS 2 messages that were not released.', () => gauges.unreleasedBytes),
    counter('dropped', 'messages', 'Messages that the full queue of a session did not take.', () => counters.dropped),
    counter('refused_queued', 'messages', 'Those of them whose publisher was told.', () => counters.refused),
    counter('expired_queued', 'messages', 'Messages that waited for a session for too long.', () => counters.expired),
    counter('expired_retained', 'messages', 'Retained messages that expired.', () => counters.expiredRetained),
    counter(
      'refused_retained',
      'messages',
      'Messages for which there was no room to retain them.',
      () => retained.refused,
    ),
    counter('refused_will', 'messages', 'Will Messages that were not accepted when due.', () => counters.refusedWills),
    counter('divided', 'messages', 'Messages passed on over several turns.', () => counters.dividedPublishes),
    counter(
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
    counter('slow', 'stores', 'How often the store did not keep pace.', () => counters.storeSlow),
    counter('stuck', 'stores', 'How often the store could not write.', () => counters.storeStuck),
    counter(
      'unstored',
      'sessions',
      'Clients that were refused because the store could not write.',
      () => counters.unstoredSessions,
    ),
    counter('taken_over', 'sessions', 'Connections closed for another one of the client.', () => counters.takeovers),
    counter('expired', 'sessions', 'Sessions whose Session Expiry Interval was over.', () => counters.expiredSessions),
    counter('given_up', 'sessions', 'Empty sessions that ended for a new one.', () => counters.givenUpSessions),
    counter('refused', 'subscriptions', refusedWildcards, () => counters.refusedWildcardLevels),
    counter(
      'denied_publish',
      'messages',
      'Messages and Wills that were not authorized.',
      () => counters.deniedPublishes,
    ),
    counter(
      'denied_subscribe',
      'subscriptions',
      'Subscriptions that were not authorized.',
      () => counters.deniedSubscribes,
    ),
    counter('revoked', 'subscriptions', 'Subscriptions ended by a change of rules.', () => counters.endedSubscriptions),
    counter('denied_retained', 'messages', deniedRetained, () => counters.deniedRetained),
    ...ofWork(core),
    ...ofUsers(counters),
  ]
}

/** What the broker works at over several turns, and cannot hand over meanwhile. */
const ofWork = ({ publications, retained }: BrokerCore): readonly Measure[] => {
  const dividing = 'Clients whose messages are being passed on over several turns.'
  const restoring = '1 while retained messages of the store are still being read.'
  return [
    gauge(UNMOVABLE.dividing, 'publishers', dividing, () => publications.count),
    gauge(UNMOVABLE.restoring, 'stores', restoring, () => (retained.isRestoring ? 1 : 0)),
  ]
}

const ofRetained = (retained: BrokerCore['retained']): readonly Measure[] => [
  gauge('retained', 'messages', 'Retained messages.', () => retained.messages.count),
  gauge(
    'volatile',
    'messages',
    'Messages on topics of the broker, in memory alone.',
    () => retained.messages.volatileCount,
  ),
  gauge('retained_memory', 'bytes', 'Memory of the retained messages.', () => retained.bytes),
  gauge('retaining', 'publishers', 'Publishers of retained messages that are kept.', () => retained.sources),
]

/** What was refused since a user held as much as it may. */
const ofUsers = (counters: BrokerCounters): readonly Measure[] => [
  counter(
    'refused_user_sessions',
    'clients',
    'New sessions over the quota of a user.',
    () => counters.refusedSessionsOfUser,
  ),
  counter(
    'refused_user_subscriptions',
    'subscriptions',
    'Subscriptions over the quota of a user.',
    () => counters.refusedSubscriptionsOfUser,
  ),
  counter(
    'dropped_user_messages',
    'messages',
    'Queued messages over the quota of a user.',
    () => counters.droppedOfUser,
  ),
  counter('refused_user_wills', 'clients', 'Wills over the quota of a user.', () => counters.refusedWillsOfUser),
  counter(
    'refused_user_retained',
    'messages',
    'Retained messages over the quota of a user.',
    () => counters.refusedRetainedOfUser,
  ),
]

const PRESSURES: readonly StorePressure[] = ['none', 'slow', 'stuck']
