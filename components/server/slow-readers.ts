import { LogInterval } from '../../src/collections/log-interval.ts'
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

/** Cuts off connections whose peers read too slowly, when publishers have waited for them for too long. */
export class SlowReaders {
  readonly #connections: Iterable<SlowReader>
  readonly #log: Logger
  #cutOff = 0
  #cutOffAtLastLog = 0
  #bytesSinceLog = 0
  readonly #logInterval = new LogInterval(LOG_INTERVAL_MS)

  /** @param connections returns all current connections. */
  constructor(connections: Iterable<SlowReader>, log: Logger) {
    this.#connections = connections
    this.#log = log
  }

  /** Connections that were cut off, since the start. */
  get cutOff(): number {
    return this.#cutOff
  }

  /**
   * Cuts off connections that hold at least so many bytes together: first those whose peer took nothing while publishers waited,
   * then those that hold most.
   * @param waitedMs how long publishers have waited.
   */
  relieve(bytes: number, waitedMs: number): void {
    const sinceMs = performance.now() - waitedMs
    const stalled = ({ lastTakenMs }: SlowReader): number => (lastTakenMs < sinceMs ? 1 : 0)
    const candidates = [...this.#connections].filter(({ pendingBytes }) => pendingBytes > 0)
    candidates.sort((a, b) => stalled(b) - stalled(a) || b.pendingBytes - a.pendingBytes)
    let freed = 0
    for (const connection of candidates) {
      if (freed >= bytes) break
      freed += connection.pendingBytes
      this.#cutOff += 1
      connection.cutOff('it read too slowly, and too many bytes were pending for all connections')
    }
    this.#bytesSinceLog += freed
    this.#report(waitedMs)
  }

  #report(waitedMs: number): void {
    if (!this.#logInterval.begin()) return
    const details = { connections: this.#cutOff - this.#cutOffAtLastLog, bytes: this.#bytesSinceLog, waitedMs }
    this.#cutOffAtLastLog = this.#cutOff
    this.#bytesSinceLog = 0
    this.#log.warn(details, 'Connections cut off that read too slowly: publishers waited for them')
  }
}
