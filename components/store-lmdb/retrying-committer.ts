import type { Logger } from '../../src/kinds/logger.ts'
import type { Committer } from './batch-line.ts'
import { Charge } from './charge.ts'
import type { CommitOptions } from './file-space.ts'
import type { Operations } from './operations.ts'

/** Where operations are committed: the environment. */
export interface CommitTarget {
  readonly path: string
  /** Commits operations. Rejects when nothing was written. */
  commit(operations: Operations, options: CommitOptions): Promise<void>
  /** Free bytes of its file system; undefined if it does not say. */
  freeBytes(): Promise<number | undefined>
}

/** What is committed now. */
interface Commit {
  readonly operations: Operations
  readonly done: () => void
  /** The wait after the next failure. */
  retryMs: number
}

/** For the operator. */
interface CommitCounters {
  commits: number
  failedCommits: number
  slowCommits: number
  lastCommitMs: number
  longestCommitMs: number
  totalCommitMs: number
}

/** The end of an attempt. @param error why nothing was written; undefined when it was. */
type AttemptEnded = (tookMs: number, error: Error | undefined) => void

/**
 * What a committer knows. At a reset the successor gets this object. An attempt that is under way continues in the code that began it,
 * with this object. Its end is reported to the committer that is in charge then.
 */
export interface CommitterState {
  readonly charge: Charge<Pick<RetryingCommitter, 'retry' | 'ended'>>
  readonly onRetry: () => void
  readonly onEnded: AttemptEnded
  readonly counters: CommitCounters
  /** One at a time: an attempt is under way, or the timer runs. */
  commit: Commit | undefined
  timer: NodeJS.Timeout | undefined
  isStuck: boolean
  isStopped: boolean
  wasSlow: boolean
  /** When the free space is looked at again, although nothing is known to be wrong. */
  nextLookMs: number
  /** Bytes that were free at the last look. */
  freeBytes: number
}

/** Commits operations, and tries again until it succeeds: a disk may have space again. */
export class RetryingCommitter implements Committer {
  readonly #target: CommitTarget
  readonly #log: Logger
  /** Records that wait, for the log. */
  #waiting: () => number = () => 0
  #listener: () => void = () => undefined
  #minimumFreeBytes: number
  #state: CommitterState

  /** @param minimumFreeBytes what stays free on the disk. */
  constructor(target: CommitTarget, log: Logger, minimumFreeBytes: number) {
    this.#target = target
    this.#log = log
    this.#minimumFreeBytes = minimumFreeBytes
    this.#state = newState(this)
  }

  get isStuck(): boolean {
    return this.#state.isStuck
  }

  get counters(): Readonly<CommitCounters> {
    return this.#state.counters
  }

  /** For a successor. Changes nothing. */
  handOver(): CommitterState {
    return this.#state
  }

  /** Continues at a reset, and is in charge from now on. @returns gives the charge back. */
  takeOver(state: CommitterState): () => void {
    this.#state = state
    return state.charge.take(this)
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
    this.#state.commit = { operations, done, retryMs: FIRST_RETRY_MS }
    this.retry()
  }

  /** Tries no more. */
  stop(): void {
    this.#state.isStopped = true
    clearTimeout(this.#state.timer)
  }

  /** Makes the next attempt to commit. */
  retry(): void {
    this.#state.timer = undefined
    const { commit } = this.#state
    if (commit !== undefined) void this.#attempt(commit.operations)
  }

  /** An attempt has ended, which this committer or its predecessor has made. */
  ended(tookMs: number, error: Error | undefined): void {
    if (error !== undefined) {
      this.#failed(error)
      return
    }
    const { commit } = this.#state
    this.#state.commit = undefined
    this.#succeeded(tookMs)
    commit?.done()
  }

  async #attempt(operations: Operations): Promise<void> {
    const state = this.#state
    const startedMs = performance.now()
    let failure: Error | undefined
    try {
      const keepFree = this.#minimumFreeBytes
      const isFull = (state.isStuck || startedMs >= state.nextLookMs) && (await this.#look()) < keepFree
      if (state.isStopped) return
      // Removals free pages for the rest.
      if (state.isStuck && operations.earlyCount > 0 && state.freeBytes >= RESERVE_BYTES)
        await this.#target.commit(operations, { count: operations.earlyCount, isUrgent: true })
      if (state.isStopped) return
      if (isFull) throw new Error(`less than minimumFreeBytes (${keepFree}) are free`)
      await this.#target.commit(operations, { keepFree })
    } catch (error) {
      failure = error as Error
    }
    if (!state.isStopped) state.onEnded(performance.now() - startedMs, failure)
  }

  #failed(error: Error): void {
    const state = this.#state
    state.counters.failedCommits += 1
    if (state.commit !== undefined) {
      state.timer = setTimeout(state.onRetry, state.commit.retryMs)
      state.commit.retryMs = Math.min(state.commit.retryMs * 2, LONGEST_RETRY_MS)
    }
    if (state.isStuck) return
    state.isStuck = true
    void this.#warn(error)
    this.#listener()
  }

  /**
   * Bytes that are free. The disk is not filled to its end: on a file system that copies each write, a commit may fail although the
   * file is long enough for it, and the native code may then end the process (docs/adr/0013).
   */
  async #look(): Promise<number> {
    this.#state.freeBytes = (await this.#target.freeBytes()) ?? Number.POSITIVE_INFINITY
    this.#state.nextLookMs = performance.now() + LOOK_MS
    return this.#state.freeBytes
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
    const { counters } = this.#state
    counters.commits += 1
    counters.lastCommitMs = tookMs
    counters.totalCommitMs += tookMs
    counters.longestCommitMs = Math.max(counters.longestCommitMs, tookMs)
    const { path } = this.#target
    const isSlow = tookMs > SLOW_COMMIT_MS
    if (isSlow) counters.slowCommits += 1
    if (isSlow && !this.#state.wasSlow) {
      this.#log.warn({ path, tookMs }, `A commit to ${path} took ${Math.round(tookMs)} ms. The disk is slow`)
    }
    this.#state.wasSlow = isSlow
    if (!this.#state.isStuck) return
    this.#state.isStuck = false
    this.#log.info({ path }, `The store wrote to ${path} again. Nothing is lost`)
    this.#listener()
  }
}

const newState = (committer: RetryingCommitter): CommitterState => {
  const charge = new Charge<Pick<RetryingCommitter, 'retry' | 'ended'>>(committer)
  return {
    charge,
    onRetry: () => charge.holder.retry(),
    onEnded: (tookMs, error) => charge.holder.ended(tookMs, error),
    ...{ commit: undefined, timer: undefined, isStuck: false, isStopped: false, wasSlow: false },
    ...{ nextLookMs: 0, freeBytes: 0 },
    counters: {
      ...{ commits: 0, failedCommits: 0, slowCommits: 0, lastCommitMs: 0, longestCommitMs: 0, totalCommitMs: 0 },
    },
  }
}

const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 1_000
/** How often the free space is looked at, at least. */
const LOOK_MS = 1_000
/** Branch pages and pages of the free list. */
const RESERVE_BYTES = 256 * 1024
const SLOW_COMMIT_MS = 1_000
