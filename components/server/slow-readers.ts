import { LogInterval } from '../../src/collections/log-interval.ts'
import type { ConnectionCounters } from '../../src/kinds/listener.ts'
import type { Logger } from '../../src/kinds/logger.ts'

/** A connection that may have to be cut off. */
export interface SlowReader {
  /** Bytes that wait for its peer. */
  readonly pendingBytes: number
  /** When the operating system last took something for the peer, on the clock of `performance.now()`. */
  readonly lastTakenMs: number
  cutOff(reason: string): void
}

/** At most one line is logged in this time, in milliseconds. */
const LOG_INTERVAL_MS = 10_000

/**
 * The rate of a slow peer that is not cut off at once, in bytes per millisecond. The operating system reports a write when the peer
 * has taken all of it: of 1 MiB, such a peer takes 16 s.
 */
const SLOW_BYTES_PER_MS = 64

/** Cuts off connections whose peers read too slowly, when too many bytes are pending for all connections together. */
export class SlowReaders {
  /** After so much time without anything taken, a peer is cut off at once, in milliseconds. */
  stalledMs: number
  readonly #connections: Iterable<SlowReader>
  readonly #counters: Pick<ConnectionCounters, 'slowReaders'>
  readonly #log: Logger
  #cutOffSinceLog = 0
  #bytesSinceLog = 0
  readonly #logInterval = new LogInterval(LOG_INTERVAL_MS)

  /**
   * @param connections all current ones.
   * @param stalledMs after which a peer that has taken nothing counts as stalled, even before publishers wait. A peer gets more time
   * for many bytes.
   */
  constructor(
    connections: Iterable<SlowReader>,
    stalledMs: number,
    counters: Pick<ConnectionCounters, 'slowReaders'>,
    log: Logger,
  ) {
    this.#connections = connections
    this.stalledMs = stalledMs
    this.#counters = counters
    this.#log = log
  }

  /**
   * Cuts off connections that hold at least so many bytes together: first those whose peer took nothing while publishers waited,
   * then those that hold most.
   * @param waitedMs how long publishers have waited.
   */
  relieve(bytes: number, waitedMs: number): void {
    const sinceMs = performance.now() - waitedMs
    const stalled = ({ lastTakenMs }: SlowReader): number => (lastTakenMs < sinceMs ? 1 : 0)
    const candidates = this.#pending()
    candidates.sort((a, b) => stalled(b) - stalled(a) || b.pendingBytes - a.pendingBytes)
    this.#cutOffFirst(candidates, bytes, waitedMs)
  }

  /**
   * Cuts off connections that hold at least so many bytes together, or fewer: only those whose peer has taken nothing for long,
   * the longest time first. Publishers need not wait for them.
   */
  relieveAtOnce(bytes: number): void {
    const nowMs = performance.now()
    const patienceMs = (pendingBytes: number) => this.stalledMs + pendingBytes / SLOW_BYTES_PER_MS
    const candidates = this.#pending().filter(
      ({ lastTakenMs, pendingBytes }) => nowMs - lastTakenMs > patienceMs(pendingBytes),
    )
    candidates.sort((a, b) => a.lastTakenMs - b.lastTakenMs)
    this.#cutOffFirst(candidates, bytes, 0)
  }

  #pending(): SlowReader[] {
    return [...this.#connections].filter(({ pendingBytes }) => pendingBytes > 0)
  }

  #cutOffFirst(candidates: readonly SlowReader[], bytes: number, waitedMs: number): void {
    let freed = 0
    for (const connection of candidates) {
      if (freed >= bytes) break
      freed += connection.pendingBytes
      this.#counters.slowReaders += 1
      this.#cutOffSinceLog += 1
      connection.cutOff('it read too slowly, and too many bytes were pending for all connections')
    }
    if (freed === 0) return
    this.#bytesSinceLog += freed
    this.#report(waitedMs)
  }

  #report(waitedMs: number): void {
    if (!this.#logInterval.begin()) return
    const details = { connections: this.#cutOffSinceLog, bytes: this.#bytesSinceLog, waitedMs }
    this.#cutOffSinceLog = 0
    this.#bytesSinceLog = 0
    this.#log.warn(details, 'Connections cut off that read too slowly: too many bytes were pending for all connections')
  }
}
