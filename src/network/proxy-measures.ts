import type { HandshakeCounters, HandshakeFailure } from './handshakes.ts'
import type { ProxyCounters } from './proxy-protocol.ts'

/** A measure of a component (`Measure` of the container, which this folder does not import). */
interface CountMeasure {
  readonly name: string
  readonly help: string
  readonly unit: string
  readonly kind: 'gauge' | 'counter'
  readonly read: () => number
  readonly labels?: Readonly<Record<string, string>>
}

const FAILURES: readonly HandshakeFailure[] = ['deadline', 'closed', 'protocol', 'certificate']

/**
 * The measures of handshakes.
 * @param name what the handshakes are: `upgrade`. It begins the name of each measure. @param what the same, for people.
 */
export const handshakeMeasures = (
  name: string,
  what: string,
  counters: Readonly<HandshakeCounters>,
  failures: readonly HandshakeFailure[] = FAILURES,
): readonly CountMeasure[] => {
  const unit = 'connections'
  const help = `Connections by the result of the ${what}.`
  const count = (result: string, read: () => number): CountMeasure => ({
    name,
    help,
    unit,
    kind: 'counter',
    read,
    labels: { result },
  })
  return [
    {
      name: `${name}_under_way`,
      help: `Connections in the ${what}.`,
      unit,
      kind: 'gauge',
      read: () => counters.underWay,
    },
    count('completed', () => counters.completed),
    count('refused', () => counters.refused),
    ...failures.map((failure) => count(failure, () => counters.failed[failure])),
  ]
}

/** The measures of the headers of proxies. @param counters undefined for a listener without proxies. */
export const proxyMeasures = (counters: ProxyCounters | undefined): readonly CountMeasure[] => {
  if (counters === undefined) return []
  const measures = handshakeMeasures('proxy_header', 'header of a proxy', counters.headers, [
    'deadline',
    'closed',
    'protocol',
  ])
  const untrusted = { ...measures[1]!, read: () => counters.untrusted, labels: { result: 'untrusted' } }
  return [...measures, untrusted]
}
