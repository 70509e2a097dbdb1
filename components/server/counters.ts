import type { ConnectionCounters } from '../../src/kinds/listener.ts'

/** Adds what was counted elsewhere. */
export const addCounters = (counters: ConnectionCounters, others: Readonly<ConnectionCounters>): void => {
  for (const name of Object.keys(counters) as (keyof ConnectionCounters)[]) counters[name] += others[name] ?? 0
}

/** Counters at 0. */
export const newCounters = (): ConnectionCounters => ({
  accepted: 0,
  refused: 0,
  refusedByListener: 0,
  refusedByAddress: 0,
  refusedByRate: 0,
  refusedByBan: 0,
  failedAuthentications: 0,
  bans: 0,
  bytesReceived: 0,
  bytesSent: 0,
  endedByClient: 0,
  endedByNetwork: 0,
  endedByBroker: 0,
  slowReaders: 0,
})
