import type { Logger } from '../../src/kinds/logger.ts'

/** Who waits until there is less to send. */
export interface BufferWaiter {
  goOn(): void
}

/** What to do when publishers have waited for too long. */
export interface Stalled {
  /** How long they wait the first time. Each time that it happens again within a minute, half as long. */
  readonly deadlineMs: number
  /** They always wait this long. */
  readonly minimumDeadlineMs: number
  /** Gets rid of at least so many bytes. @param waitedMs how long publishers have waited. */
  relieve(bytes: number, waitedMs: number): void
}

/** After so much time without relief, publishers wait for the whole deadline again. In milliseconds. */
const STALL_MEMORY_MS = 60_000

/** A warning for every time that the mark is passed would be too many: one in this time, in milliseconds. */
const warningIntervalMs = 10_000

/**
 * The bytes that wait for the peers of all connections together. When they pass a mark, those who publish are read no more,
 * until half of it is left: otherwise many slow subscribers, each within its own bound, would fill the memory.
 */
export class Buffers {
  readonly #maximumBytes: number
  readonly #log: Logger
  readonly #stalled: Stalled | undefined
  #deadline: NodeJS.Timeout | undefined
  /** How long publishers wait now, or the next time. */
  #deadlineMs: number
  #lastReliefMs = Number.NEGATIVE_INFINITY
  readonly #waiting = new Set<BufferWaiter>()
  #bytes = 0
  #full = false
  #lastWarningMs = Number.NEGATIVE_INFINITY

  constructor(maximumBytes: number, log: Logger, stalled?: Stalled) {
    this.#maximumBytes = maximumBytes
    this.#log = log
    this.#stalled = stalled
    this.#deadlineMs = stalled?.deadlineMs ?? 0
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes
  }

  /** From when the mark is passed until half of it is left. */
  get full(): boolean {
    return this.#full
  }

  /** Nobody is called any more. */
  stop(): void {
    clearTimeout(this.#deadline)
  }

  /** There are so many bytes more, or less. */
  add(bytes: number): void {
    this.#bytes += bytes
    if (this.#full) {
      if (this.#bytes <= this.#maximumBytes / 2) this.#drained()
    } else if (this.#bytes > this.#maximumBytes) this.#fill()
  }

  /** Has it wait until there is room again. @returns false when there is. */
  wait(waiter: BufferWaiter): boolean {
    if (this.#full) this.#waiting.add(waiter)
    return this.#full
  }

  /** It does not wait any more. */
  forget(waiter: BufferWaiter): void {
    this.#waiting.delete(waiter)
  }

  #fill(): void {
    this.#full = true
    this.#watch()
    const nowMs = performance.now()
    if (nowMs - this.#lastWarningMs < warningIntervalMs) return
    this.#lastWarningMs = nowMs
    const details = { bytes: this.#bytes, maximumTotalPendingBytes: this.#maximumBytes }
    this.#log.warn(details, 'Subscribers read too slowly all together: publishers are slowed down')
  }

  /** Peers that never read would have everybody wait for ever. */
  #watch(): void {
    if (this.#stalled === undefined) return
    const { deadlineMs, minimumDeadlineMs, relieve } = this.#stalled
    if (performance.now() - this.#lastReliefMs > STALL_MEMORY_MS) this.#deadlineMs = deadlineMs
    const waitedMs = this.#deadlineMs
    this.#deadline = setTimeout(() => {
      this.#lastReliefMs = performance.now()
      // Clients that fill the buffers again and again must not make publishers wait as long each time.
      this.#deadlineMs = Math.max(Math.min(minimumDeadlineMs, deadlineMs), waitedMs / 2)
      relieve(this.#bytes - this.#maximumBytes / 2, waitedMs)
      if (this.#full) this.#watch()
    }, waitedMs)
  }

  #drained(): void {
    this.#full = false
    clearTimeout(this.#deadline)
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const waiter of waiting) waiter.goOn()
  }
}
