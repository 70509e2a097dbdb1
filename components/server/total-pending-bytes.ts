import type { Logger } from '../../src/kinds/logger.ts'

/** A publisher that waits until fewer bytes are pending. */
export interface PendingBytesWaiter {
  goOn(): void
}

export interface StalledDeadlines {
  /** The first waiting time. It is halved each time publishers wait again within a minute. */
  readonly deadlineMs: number
  /** The shortest waiting time. */
  readonly minimumDeadlineMs: number
}

/** The deadlines of waiting publishers, and the action after them. */
export interface Stalled extends StalledDeadlines {
  /** Cuts off connections that hold at least this many bytes together. @param waitedMs how long publishers have waited. */
  relieve(bytes: number, waitedMs: number): void
  /** The same for connections whose peer has taken nothing for long. All others stay, also if fewer bytes are freed. */
  relieveAtOnce(bytes: number): void
}

/** What is done next about peers that do not read. */
interface Relief {
  /** On the clock of `performance.now()`. */
  readonly atMs: number
  /** How long publishers have waited then; 0 for the connections that are cut off at once. */
  readonly waitedMs: number
}

/** Of the bytes that wait for all peers. */
export interface TotalRecord {
  readonly bytes: number
  readonly full: boolean
  readonly period: number
  readonly deadlineMs: number
  readonly relief: Relief | undefined
  readonly lastReliefMs: number
  readonly lastWarningMs: number
}

/**
 * Units of work that a publisher may cause while the limit is exceeded before it waits: at most 1 MiB of deliveries. Otherwise
 * publishers of a few messages, whose subscribers read, would wait for the slow subscribers of other publishers.
 */
const MODEST_UNITS = 1_000

/** The part of the limit beyond which those publishers wait, too. */
const MODEST_LIMIT = 1.5

/** After so much time without relief, publishers wait for the whole deadline again. In milliseconds. */
const STALL_MEMORY_MS = 60_000

/** At most one warning about the exceeded limit is logged in this time, in milliseconds. */
const warningIntervalMs = 10_000

/**
 * The bytes that wait for the peers of all connections together. When they exceed a limit, publishers are not read until half
 * of the limit is left. Otherwise many slow subscribers, each within its own bound, would fill the memory. Publishers that cause
 * little work meanwhile are read on, until one and a half times the limit is pending.
 */
export class TotalPendingBytes {
  #maximumBytes: number
  readonly #log: Logger
  #stalled: Stalled | undefined
  #timer: NodeJS.Timeout | undefined
  /** It starts no timer. */
  #isStopped = false
  /** Set while it is full. */
  #relief: Relief | undefined
  /** How long publishers wait now, or the next time. */
  #deadlineMs: number
  #lastReliefMs = Number.NEGATIVE_INFINITY
  readonly #waiting = new Set<PendingBytesWaiter>()
  #bytes = 0
  #full = false
  #period = 0
  #lastWarningMs = Number.NEGATIVE_INFINITY

  constructor(maximumBytes: number, log: Logger, stalled?: Stalled) {
    this.#maximumBytes = maximumBytes
    this.#log = log
    this.#stalled = stalled
    this.#deadlineMs = stalled?.deadlineMs ?? 0
  }

  /** Changes the limit and the deadlines. Whether publishers wait is decided anew; a deadline that runs stays. */
  configure(maximumBytes: number, deadlines: StalledDeadlines): void {
    this.#maximumBytes = maximumBytes
    if (this.#stalled !== undefined) {
      const { deadlineMs, minimumDeadlineMs } = deadlines
      if (deadlineMs !== this.#stalled.deadlineMs) this.#deadlineMs = deadlineMs
      this.#stalled = { ...this.#stalled, deadlineMs, minimumDeadlineMs }
    }
    this.add(0)
  }

  handOver(): TotalRecord {
    return {
      bytes: this.#bytes,
      full: this.#full,
      period: this.#period,
      deadlineMs: this.#deadlineMs,
      relief: this.#relief,
      lastReliefMs: this.#lastReliefMs,
      lastWarningMs: this.#lastWarningMs,
    }
  }

  /** Continues for another object: publishers that wait there wait here when they are added. A deadline that runs stays. */
  continueFrom(handed: TotalRecord): void {
    this.#bytes = handed.bytes
    this.#full = handed.full
    this.#period = handed.period
    this.#deadlineMs = Math.min(handed.deadlineMs, this.#stalled?.deadlineMs ?? handed.deadlineMs)
    this.#relief = handed.relief
    this.#lastReliefMs = handed.lastReliefMs
    this.#lastWarningMs = handed.lastWarningMs
    this.#startTimer()
  }

  /** The reset was undone by which another object continued. A deadline that runs stays. */
  takeBack(): void {
    this.#isStopped = false
    this.#startTimer()
  }

  /** Bytes that wait for all peers. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether the limit was exceeded and more than half of it is still left. */
  get full(): boolean {
    return this.#full
  }

  /** How many times the limit was exceeded: publishers count their work from the beginning of each time. */
  get period(): number {
    return this.#period
  }

  /** Whether a publisher has to wait, as long as it is full. @param units of work that it has caused in this period. */
  mustWait(units: number): boolean {
    return units > MODEST_UNITS || this.#bytes > this.#maximumBytes * MODEST_LIMIT
  }

  /** Stops: no waiter is called any more. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  /** Adds a number of waiting bytes, or subtracts it. */
  add(bytes: number): void {
    this.#bytes += bytes
    if (this.#full) {
      if (this.#bytes <= this.#maximumBytes / 2) this.#drained()
    } else if (this.#bytes > this.#maximumBytes) this.#fill()
  }

  /** Makes a publisher wait until there is room again. @returns false if there is room. */
  wait(waiter: PendingBytesWaiter): boolean {
    if (this.#full) this.#waiting.add(waiter)
    return this.#full
  }

  /** Removes a waiter. */
  forget(waiter: PendingBytesWaiter): void {
    this.#waiting.delete(waiter)
  }

  #fill(): void {
    this.#full = true
    this.#period += 1
    this.#relieveAtOnce()
    const nowMs = performance.now()
    if (nowMs - this.#lastWarningMs < warningIntervalMs) return
    this.#lastWarningMs = nowMs
    const details = { bytes: this.#bytes, maximumTotalPendingBytes: this.#maximumBytes }
    this.#log.warn(details, 'Subscribers read too slowly all together: publishers are slowed down')
  }

  /** Not within the current call: it may come from the connection that has to be cut off. */
  #relieveAtOnce(): void {
    if (this.#stalled !== undefined) this.#relieveAfter(0)
  }

  /** The bytes beyond half of the limit. */
  get #excess(): number {
    return this.#bytes - this.#maximumBytes / 2
  }

  /** Peers that never read would make all publishers wait forever. */
  #watch(): void {
    if (performance.now() - this.#lastReliefMs > STALL_MEMORY_MS) this.#deadlineMs = this.#stalled!.deadlineMs
    this.#relieveAfter(this.#deadlineMs)
  }

  #relieveAfter(waitedMs: number): void {
    this.#relief = { atMs: performance.now() + waitedMs, waitedMs }
    this.#startTimer()
  }

  #startTimer(): void {
    const relief = this.#relief
    if (this.#isStopped || relief === undefined || this.#stalled === undefined) return
    const ms = Math.max(0, relief.atMs - performance.now())
    this.#timer = setTimeout(() => this.#relieve(relief, this.#stalled!), ms)
  }

  #relieve({ waitedMs }: Relief, { deadlineMs, minimumDeadlineMs, relieve, relieveAtOnce }: Stalled): void {
    if (waitedMs === 0) relieveAtOnce(this.#excess)
    else {
      this.#lastReliefMs = performance.now()
      // Clients that exceed the limit repeatedly must not make publishers wait as long each time.
      this.#deadlineMs = Math.max(Math.min(minimumDeadlineMs, deadlineMs), waitedMs / 2)
      relieve(this.#excess, waitedMs)
    }
    if (this.#full) this.#watch()
  }

  #drained(): void {
    this.#full = false
    this.#relief = undefined
    clearTimeout(this.#timer)
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const waiter of waiting) waiter.goOn()
  }
}
