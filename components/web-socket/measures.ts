import { handshakeMeasures, proxyMeasures } from '../../src/network/proxy-measures.ts'
import type { Measure } from '../../src/system/define-system.ts'
import type { WebSocketListener } from './web-socket-listener.ts'

const REASONS = ['path', 'request', 'origin', 'subprotocol', 'malformed'] as const

/** What operators read of a WebSocket listener. */
export const measuresOf = (listener: WebSocketListener): readonly Measure[] => [
  ...handshakeMeasures('upgrade', 'upgrade to WebSocket', listener.handshakes.counters, [
    'deadline',
    'closed',
    'protocol',
  ]),
  ...REASONS.map(
    (reason): Measure => ({
      name: 'refused',
      help: 'HTTP requests that were refused, by the reason.',
      unit: 'requests',
      kind: 'counter',
      read: () => listener.refusedRequests[reason],
      labels: { reason },
    }),
  ),
  ...proxyMeasures(listener.proxies),
]
