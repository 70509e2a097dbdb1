import type { Measure } from '../system/define-system.ts'
import type { HandshakeCounters, HandshakeFailure } from './handshakes.ts'

/** What operators read of the handshakes of a listener. */
export const handshakeMeasures = (counters: Readonly<HandshakeCounters>): readonly Measure[] => {
  const unit = 'handshakes'
  const failed = (reason: HandshakeFailure): Measure => ({
    name: 'failed',
    help: 'Handshakes that failed, by reason.',
    unit,
    kind: 'counter',
    labels: { reason },
    read: () => counters.failed[reason],
  })
  return [
    {
      name: 'under_way',
      help: 'Handshakes that are not finished.',
      unit,
      kind: 'gauge',
      read: () => counters.underWay,
    },
    { name: 'completed', help: 'Handshakes that succeeded.', unit, kind: 'counter', read: () => counters.completed },
    {
      name: 'refused',
      help: 'Connections closed because as many handshakes were under way as maximumHandshakes allows.',
      unit,
      kind: 'counter',
      read: () => counters.refused,
    },
    failed('deadline'),
    failed('closed'),
    failed('protocol'),
    failed('certificate'),
  ]
}
