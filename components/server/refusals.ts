import { LogInterval } from '../../src/collections/log-interval.ts'
import type { ConnectionCounters } from '../../src/kinds/listener.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { describePeer, type Peer } from '../../src/kinds/peer.ts'

/** Why a connection is refused: the value of the config that does not allow it, or a ban. */
export type RefusalReason =
  | 'maximumConnections'
  | 'maximumConnectionsOfListener'
  | 'maximumConnectionsPerAddress'
  | 'connectRate'
  | 'banned'
  | 'shut'

/** At most one line about refused connections is logged for each reason in this time, in milliseconds. */
const LOG_INTERVAL_MS = 10_000

/** Counts and logs connections that are refused before a byte of them is read. They cannot be told why. */
export class Refusals {
  readonly #counters: ConnectionCounters
  readonly #log: Logger
  /** By reason: connections that were refused since the last line about them. */
  readonly #unlogged = new Map<RefusalReason, { count: number; readonly interval: LogInterval }>()

  constructor(counters: ConnectionCounters, log: Logger) {
    this.#counters = counters
    this.#log = log
  }

  /** @param listener the name of the listener. @param limit the value that does not allow the connection, for the log. */
  note(reason: RefusalReason, peer: Peer, listener: string, limit: number | undefined): void {
    this.#counters.refused += 1
    const counter = COUNTERS[reason]
    if (counter !== undefined) this.#counters[counter] += 1
    const unlogged = this.#unloggedOf(reason)
    unlogged.count += 1
    if (!unlogged.interval.begin()) return
    const remote = describePeer(peer)
    const bound = reason === 'banned' || reason === 'shut' || limit === undefined ? {} : { [FIELDS[reason]]: limit }
    const details = { refused: unlogged.count, ...bound, remote, listener }
    unlogged.count = 0
    this.#log.warn(details, `Connections refused, the last one from ${remote}: ${causeOf(reason, listener)}`)
  }

  /** Connections that were refused and are not logged yet, by reason. */
  handOver(): (readonly [RefusalReason, number])[] {
    return [...this.#unlogged].map(([reason, { count }]) => [reason, count] as const)
  }

  /** Continues for another object. */
  continueFrom(unlogged: readonly (readonly [RefusalReason, number])[]): void {
    for (const [reason, count] of unlogged) this.#unloggedOf(reason).count = count
  }

  #unloggedOf(reason: RefusalReason): { count: number; readonly interval: LogInterval } {
    const known = this.#unlogged.get(reason)
    if (known !== undefined) return known
    const unlogged = { count: 0, interval: new LogInterval(LOG_INTERVAL_MS) }
    this.#unlogged.set(reason, unlogged)
    return unlogged
  }
}

/** The values that refusals are for. */
interface RefusalLimits {
  readonly maximumConnections: number
  readonly connectRate: number | null
  readonly ofListener: number | undefined
  readonly ofAddress: number
}

/** The value that does not allow a connection, for the log. */
export const limitOf = (
  reason: RefusalReason,
  { maximumConnections, connectRate, ofListener, ofAddress }: RefusalLimits,
): number | undefined => {
  if (reason === 'maximumConnectionsOfListener') return ofListener
  if (reason === 'maximumConnectionsPerAddress') return ofAddress
  return reason === 'connectRate' ? (connectRate ?? undefined) : maximumConnections
}

type ReasonCounter = 'refusedByListener' | 'refusedByAddress' | 'refusedByRate' | 'refusedByBan'

/** `refused` counts all of them. Some reasons also have their own counter. */
const COUNTERS: Readonly<Record<RefusalReason, ReasonCounter | undefined>> = {
  maximumConnections: undefined,
  maximumConnectionsOfListener: 'refusedByListener',
  maximumConnectionsPerAddress: 'refusedByAddress',
  connectRate: 'refusedByRate',
  banned: 'refusedByBan',
  shut: undefined,
}

const FIELDS: Readonly<Record<Exclude<RefusalReason, 'banned' | 'shut'>, string>> = {
  maximumConnections: 'maximumConnections',
  maximumConnectionsOfListener: 'maximumConnections',
  maximumConnectionsPerAddress: 'maximumConnectionsPerAddress',
  connectRate: 'connectRate',
}

const causeOf = (reason: RefusalReason, listener: string): string => {
  switch (reason) {
    case 'maximumConnections':
      return 'there are as many as maximumConnections allows'
    case 'maximumConnectionsOfListener':
      return `${listener} has as many as its maximumConnections allows`
    case 'maximumConnectionsPerAddress':
      return 'its address has as many as maximumConnectionsPerAddress allows'
    case 'connectRate':
      return 'its address connects more often than connectRate and connectBurst allow'
    case 'shut':
      return `${listener} takes no connections since a reset; an error before this line says why`
    case 'banned':
      return 'its address is banned; bans() lists the bans, unban(address) ends one'
  }
}
