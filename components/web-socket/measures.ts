import { handshakeMeasures } from '../../src/network/handshake-measures.ts'
import { proxyMeasures } from '../../src/network/proxy-measures.ts'
import { tlsMeasures } from '../../src/network/tls/tls-measures.ts'
import type { Measure } from '../../src/system/define-system.ts'
import type { WebSocketListener } from './web-socket-listener.ts'

const REASONS = ['path', 'request', 'origin', 'subprotocol', 'malformed'] as const

/** What operators read of a WebSocket listener. */
export const measuresOf = (listener: WebSocketListener): readonly Measure[] => {
  const { secure } = listener
  return [
    ...handshakeMeasures(listener.upgrades, 'upgrade'),
    ...REASONS.map(
      (reason): Measure => ({
        name: 'refused_requests',
        help: 'HTTP requests that were refused, by the reason.',
        unit: 'requests',
        kind: 'counter',
        read: () => listener.refusedRequests[reason],
        labels: { reason },
      }),
    ),
    ...proxyMeasures(listener.proxies),
    ...(secure === undefined
      ? []
      : [...handshakeMeasures(secure.handshakes.counters, 'tls'), ...tlsMeasures(secure.contexts, secure.acceptor)]),
  ]
}
