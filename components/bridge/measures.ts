import { counter, gauge, type Measure } from '../../src/system/define-system.ts'
import type { RemoteBridge } from './remote-bridge.ts'

/** What operators read of a bridge. */
export const measuresOf = (bridge: RemoteBridge): readonly Measure[] => {
  const { counters } = bridge
  const byQoS = (name: string, help: string, of: readonly number[]) =>
    of.map((_, qos) => counter(name, 'messages', help, () => of[qos]!, { qos: String(qos) }))
  return [
    gauge('connected', 'connections', '1 while messages flow.', () => (bridge.connected ? 1 : 0)),
    gauge('inflight', 'messages', 'Messages that the remote broker has not acknowledged.', () => bridge.inflight),
    gauge('waiting', 'messages', 'Messages that wait to be sent to the remote broker.', () => bridge.waiting),
    counter('connection', 'connections', 'Connections that the remote broker accepted.', () => counters.connections),
    counter('failed', 'connections', 'Connections and attempts that failed.', () => counters.failures),
    ...byQoS('sent', 'Messages sent to the remote broker.', counters.sent),
    ...byQoS('received', 'Messages that came from the remote broker.', counters.received),
    counter('dropped', 'messages', 'Messages at QoS 0 that were dropped.', () => counters.droppedQoS0),
    counter('too_large', 'messages', 'Messages larger than the remote broker takes.', () => counters.tooLarge),
    counter(
      'undeliverable',
      'messages',
      'Messages that were given up: the remote broker ended each connection over which they were sent.',
      () => counters.undeliverable,
    ),
    counter(
      'unacceptable',
      'messages',
      'Messages from the remote broker that were given up: they are too large or not legal, and came again over each connection.',
      () => counters.unacceptable,
    ),
    counter(
      'refused_by_remote',
      'messages',
      'Messages that the remote broker refused.',
      () => counters.refusedByRemote,
    ),
    counter('refused_here', 'messages', 'Messages that this broker refused.', () => counters.refusedHere),
    counter('looped', 'messages', 'Messages that had been here before.', () => counters.loops),
    counter('unmapped', 'messages', 'Messages on topics that the config does not name.', () => counters.unmapped),
  ]
}
