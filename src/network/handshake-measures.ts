import type { Measure } from '../system/define-system.ts'
import type { HandshakeCounters, HandshakeFailure } from './handshakes.ts'

/**
 * What operators read of the handshakes of a listener.
 * @param stage which handshakes these are, where a listener has several: `proxy`, `tls`, `upgrade`.
 */
export const handshakeMeasures = (counters: Readonly<HandshakeCounters>, stage?: string): readonly Measure[] => {
  const unit = 'handshakes'
  const stageLabel = stage === undefined ? {} : { stage }
  const labels = stage === undefined ? {} : { labels: stageLabel }
  const failed = (reason: HandshakeFailure): Measure => ({
    name: 'failed',
    help: 'Handshakes that failed, by reason.',
    unit,
    kind: 'counter',
    labels: { ...stageLabel, reason },
    read: () => counters.failed[reason],
  })
  const refused = 'Connections closed because as many handshakes were under way as maximumHandshakes allows.'
  return [
    {
      name: 'under_way',
      help: 'Handshakes that are not finished.',
      unit,
      kind: 'gauge',
      ...labels,
      read: () => counters.underWay,
    },
    {
      name: 'completed',
      help: 'Handshakes that succeeded.',
      unit,
      kind: 'counter',
      ...labels,
      read: () => counters.completed,
    },
    { name: 'refused', help: refused, unit, kind: 'counter', ...labels, read: () => counters.refused },
    failed('deadline'),
    failed('closed'),
    failed('protocol'),
    failed('certificate'),
  ]
}
