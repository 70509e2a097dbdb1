import type { Logger } from '../../src/kinds/logger.ts'
import type { Committer } from './batch-line.ts'
import type { Operations } from './operations.ts'

/** Where operations are committed: the environment. */
export interface CommitTarget {
  readonly path: string
  /** Commits the first operations. Rejects when nothing was written. */
  commit(operations: Operations, count?: number): Promise<void>
  /** Free bytes of its file system; undefined if it does not say. */
  freeBytes(): Promise<number | undefined>
}

/** Commits operations, and tries again until it succeeds: a disk may have space again. */
export class RetryingCommitter implements Committer {
  readonly #target: CommitTarget
  readonly #log: Logger
  /** Records that wait, for the log. */
  #waiting: () => number = () => 0
  #listener: () => void = () => undefined
  #isStuck = false
  #isStopped = false
  #timer: NodeJS.Timeout | undefined
  /** For the operator. */
  readonly counters = {
    commits: 0,
    failedCommits: 0,
    slowCommits: 0,
    lastCommitMs: 0,
    longestCommitMs: 0,
    totalCommitMs: 0,
  }
  #wasSlow = false
  #minimumFreeBytes: number
  /** When the free space is looked at again, although nothing is known to be wrong. */
  #nextLookMs = 0
  /** Bytes that were free at the last look, without what was written since then. */
  #freeBytes = 0

  /** @param minimumFreeBytes what stays free on the disk. */
  constructor(target: CommitTarget, log: Logger, minimumFreeBytes: number) {
    this.#target = target
    this.#log = log
    this.#minimumFreeBytes = minimumFreeBytes
  }

  get isStuck(): boolean {
    return this.#isStuck
  }

  onStuck(listener: () => void): void {
    this.#listener = listener
  }

  /** Leaves so much space free from now on. @returns takes it back. */
  keepFree(minimumFreeBytes: number): () => void {
    const before = this.#minimumFreeBytes
    this.#minimumFreeBytes = minimumFreeBytes
    return () => void this.keepFree(before)
  }

  /** Sets what tells how many records wait. */
  onFailure(waiting: () => number): void {
    this.#waiting = waiting
  }

  commit(operations: Operations, done: () => void): void {
    void this.#attempt(operations, done, FIRST_RETRY_MS)
  }

  /** Tries no more. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  async #attempt(operations: Operations, done: () => void, retryMs: number): Promise<void> {
    const startedMs = performance.now()
    try {
      const isFull = (this.#isStuck || this.#mayBeFull(operations, startedMs)) && (await this.#isFull(operations))
      if (this.#isStopped) return
      // Removals free pages for the rest.
      if (this.#isStuck && operations.earlyCount > 0 && this.#freeBytes >= RESERVE_BYTES)
        await this.#target.commit(operations, operations.earlyCount)
      if (this.#isStopped) return
      if (isFull) throw new Error(`less than minimumFreeBytes (${this.#minimumFreeBytes}) would stay free`)
      await this.#target.commit(operations)
    } catch (error) {
      if (!this.#isStopped) this.#failed(error as Error, operations, done, retryMs)
      return
    }
    if (this.#isStopped) return
    this.#succeeded(performance.now() - startedMs)
    done()
  }

  #failed(error: Error, operations: Operations, done: () => void, retryMs: number): void {
    this.counters.failedCommits += 1
    this.#later(operations, done, retryMs)
    if (this.#isStuck) return
    this.#isStuck = true
    void this.#warn(error)
    this.#listener()
  }

  #later(operations: Operations, done: () => void, retryMs: number): void {
    const next = Math.min(retryMs * 2, LONGEST_RETRY_MS)
    this.#timer = setTimeout(() => void this.#attempt(operations, done, next), retryMs)
  }

  /** Whether the free space has to be looked at before operations are written. */
  #mayBeFull(operations: Operations, nowMs: number): boolean {
    this.#freeBytes -= growthOf(operations)
    return nowMs >= this.#nextLookMs || this.#freeBytes < this.#minimumFreeBytes
  }

  /**
   * Looks whether the operations leave enough space. The disk is not filled to its end: when a write fails, the native code writes its
   * message beyond a piece of memory, which may end the process (docs/adr/0013).
   */
  async #isFull(operations: Operations): Promise<boolean> {
    this.#freeBytes = (await this.#target.freeBytes()) ?? Number.POSITIVE_INFINITY
    this.#nextLookMs = performance.now() + LOOK_MS
    return this.#freeBytes - growthOf(operations) < this.#minimumFreeBytes
  }

  async #warn(err: Error): Promise<void> {
    const { path } = this.#target
    const freeBytes = await this.#target.freeBytes()
    const waiting = this.#waiting()
    const free = freeBytes === undefined ? 'the free space is unknown' : `${freeBytes} bytes are free`
    this.#log.warn(
      { err, path, freeBytes, waiting },
      `The store could not write to ${path}: ${err.message}; ${free}, ${waiting} records wait. It tries again until it succeeds`,
    )
  }

  #succeeded(tookMs: number): void {
    const { counters } = this
    counters.commits += 1
    counters.lastCommitMs = tookMs
    counters.totalCommitMs += tookMs
    counters.longestCommitMs = Math.max(counters.longestCommitMs, tookMs)
    const { path } = this.#target
    const isSlow = tookMs > SLOW_COMMIT_MS
    if (isSlow) counters.slowCommits += 1
    if (isSlow && !this.#wasSlow) {
      this.#log.warn({ path, tookMs }, `A commit to ${path} took ${Math.round(tookMs)} ms. The disk is slow`)
    }
    this.#wasSlow = isSlow
    if (!this.#isStuck) return
    this.#isStuck = false
    this.#log.info({ path }, `The store wrote to ${path} again. Nothing is lost`)
    this.#listener()
  }
}

const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 1_000
/** How often the free space is looked at, at least. */
const LOOK_MS = 1_000
/** Branch pages and pages of the free list. */
const RESERVE_BYTES = 256 * 1024
const SLOW_COMMIT_MS = 1_000

/** By how many bytes the file may grow: pages are half full in the worst case. */
const growthOf = (operations: Operations): number => operations.writer.position * 2 + RESERVE_BYTES
