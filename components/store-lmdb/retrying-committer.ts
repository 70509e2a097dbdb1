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
  /** When operations are tried again although the file system is full. */
  #nextTryMs = 0

  constructor(target: CommitTarget, log: Logger) {
    this.#target = target
    this.#log = log
  }

  get isStuck(): boolean {
    return this.#isStuck
  }

  onStuck(listener: () => void): void {
    this.#listener = listener
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
    if (this.#isStuck && startedMs < this.#nextTryMs && (await this.#isFull(operations))) {
      if (!this.#isStopped) this.#later(operations, done, retryMs)
      return
    }
    if (this.#isStopped) return
    this.#nextTryMs = startedMs + FULL_RETRY_MS
    try {
      // Removals free pages, so that a full disk takes the rest.
      if (this.#isStuck && operations.earlyCount > 0) await this.#target.commit(operations, operations.earlyCount)
      if (this.#isStopped) return
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

  /**
   * Whether there is no space for the operations. They may succeed even then, with free pages of the file, so they are tried now and
   * then. A failed write is not tried more often: the native code writes its message beyond a piece of memory (docs/adr/0011).
   */
  async #isFull(operations: Operations): Promise<boolean> {
    const freeBytes = await this.#target.freeBytes()
    return freeBytes !== undefined && freeBytes < operations.writer.position * 2 + RESERVE_BYTES
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
/** How often it is tried while the file system is full. Whether it is, is asked as often as above. */
const FULL_RETRY_MS = 10_000
/** Branch pages and pages of the free list. */
const RESERVE_BYTES = 256 * 1024
const SLOW_COMMIT_MS = 1_000
