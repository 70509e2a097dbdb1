import type { Measure } from '../system/define-system.ts'
import { handshakeMeasures } from './handshake-measures.ts'
import type { ProxyCounters } from './proxy-protocol.ts'

/** What operators read of the headers of proxies. @param counters undefined for a listener without proxies. */
export const proxyMeasures = (counters: ProxyCounters | undefined): readonly Measure[] => {
  if (counters === undefined) return []
  return [
    ...handshakeMeasures(counters.headers, 'proxy'),
    {
      name: 'untrusted',
      help: 'Connections closed because their address is not one of the proxies that proxyProtocol.trusted names.',
      unit: 'connections',
      kind: 'counter',
      read: () => counters.untrusted,
    },
  ]
}
