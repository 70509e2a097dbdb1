import type { BrokerCore } from './broker-core.ts'

/** What a broker and its successor have equally many of. */
export const censusOf = ({ sessions, wills, endedSessions, retained, gauges, sharedBacklogs }: BrokerCore) => {
  let [subscriptions, inflight, waiting, unreleased] = [0, 0, 0, 0]
  for (const session of sessions) {
    subscriptions += session.subscriptions.size
    inflight += session.outbox.inflight
    waiting += session.outbox.waiting
    unreleased += session.unreleased.size
  }
  return {
    ...{ sessions: sessions.count, connected: sessions.connected.size, away: sessions.away.count },
    ...{ subscriptions, inflight, waiting, unreleased, dueWills: wills.count, endedSessions: endedSessions.count },
    ...{ retained: retained.messages.count, retainedSources: retained.sources, sharedBacklogs: sharedBacklogs.count },
    ...gauges,
  }
}
