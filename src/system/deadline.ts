/** The reason of the signal, and the rejection, when a deadline passes. */
export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed'
  readonly deadlineMs: number

  constructor(deadlineMs: number) {
    super(`not done within ${deadlineMs} ms`)
    this.deadlineMs = deadlineMs
  }
}

/** Work under way that has a deadline. */
export interface DeadlineCall<T> {
  /** Settles like the work, or rejects with DeadlinePassed if the work takes longer. */
  readonly outcome: Promise<T>
  /** Settles like the work, even after the deadline. */
  readonly work: Promise<T>
  readonly signal: AbortSignal
  /** Aborts the signal; the outcome still waits for the work, or for the deadline. */
  abort(reason: Error): void
}

/**
 * Calls `work` with a signal that is aborted when the deadline passes. A synchronous throw is a rejection. The timer does not
 * outlive the outcome; until then it keeps the process alive, so that a hang is reported as such.
 */
export const callWithin = <T>(
  deadlineMs: number,
  work: (signal: AbortSignal) => T | PromiseLike<T>,
): DeadlineCall<T> => {
  const controller = new AbortController()
  const working = new Promise<T>((resolve) => resolve(work(controller.signal)))
  let timer: NodeJS.Timeout | undefined
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const reason = new DeadlinePassed(deadlineMs)
      reject(reason)
      controller.abort(reason)
    }, deadlineMs)
  })
  return {
    outcome: Promise.race([working, expired]).finally(() => clearTimeout(timer)),
    work: working,
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
  }
}
