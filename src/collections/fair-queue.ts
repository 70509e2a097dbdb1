import { Fifo } from './fifo.ts'

/** Told whether it may begin. */
type Waiting = (mayBegin: boolean) => void

export interface FairQueueOptions {
  /** How much work runs at the same time. */
  readonly maximumRunning: number
  /** How much work waits. */
  readonly maximumQueued: number
}

/**
 * Runs long work, a few pieces at a time, and lets others wait. The sources of the work take turns, and when the queue is full the
 * source with the most waiting work loses a piece: one source does not block the others.
 */
export class FairQueue {
  #maximumRunning: number
  #maximumQueued: number
  /** In the order in which they are served: the first one is next. A source without waiting work is not in it. */
  readonly #sources = new Map<string, Fifo<Waiting>>()
  #running = 0
  #queued = 0

  constructor({ maximumRunning, maximumQueued }: FairQueueOptions) {
    this.#maximumRunning = maximumRunning
    this.#maximumQueued = maximumQueued
  }

  get running(): number {
    return this.#running
  }

  get queued(): number {
    return this.#queued
  }

  /**
   * Does the work when it is its turn.
   * @param source where the work comes from.
   * @returns what the work returns; undefined when there is no room for it, or no longer.
   */
  async run<T>(source: string, work: () => Promise<T>): Promise<T | undefined> {
    if (this.#running < this.#maximumRunning) this.#running += 1
    else if (!(await this.#wait(source))) return undefined
    try {
      return await work()
    } finally {
      this.#running -= 1
      // The place goes to the work that waits longest, so new work does not overtake it.
      while (this.#running < this.#maximumRunning) {
        const next = this.#takeNext()
        if (next === undefined) break
        this.#running += 1
        next(true)
      }
    }
  }

  /** Sets other bounds. What runs or waits already stays; a higher bound applies when the next work ends. @returns takes it back. */
  adjust({ maximumRunning, maximumQueued }: FairQueueOptions): () => void {
    const before = { maximumRunning: this.#maximumRunning, maximumQueued: this.#maximumQueued }
    this.#maximumRunning = maximumRunning
    this.#maximumQueued = maximumQueued
    return () => void this.adjust(before)
  }

  /** Refuses all that waits. What runs ends by itself. */
  clear(): void {
    const all = [...this.#sources.values()]
    this.#sources.clear()
    this.#queued = 0
    for (const list of all) for (const waiting of list) waiting(false)
  }

  #wait(source: string): Promise<boolean> {
    if (this.#queued >= this.#maximumQueued && !this.#makeRoom(source)) return Promise.resolve(false)
    return new Promise((resolve) => {
      let list = this.#sources.get(source)
      if (list === undefined) {
        list = new Fifo()
        this.#sources.set(source, list)
      }
      list.push(resolve)
      this.#queued += 1
    })
  }

  #takeNext(): Waiting | undefined {
    for (const [source, list] of this.#sources) {
      const waiting = list.shift()
      this.#sources.delete(source)
      // To the end of the order.
      if (list.length > 0) this.#sources.set(source, list)
      this.#queued -= 1
      return waiting
    }
    return undefined
  }

  /** Refuses the oldest of the source that has most waiting, if that is more than `source` would have. */
  #makeRoom(source: string): boolean {
    let [most, length] = ['', (this.#sources.get(source)?.length ?? 0) + 1]
    for (const [each, list] of this.#sources) if (list.length > length) [most, length] = [each, list.length]
    const list = this.#sources.get(most)
    if (list === undefined || most === source) return false
    const waiting = list.shift()
    if (list.length === 0) this.#sources.delete(most)
    this.#queued -= 1
    waiting?.(false)
    return true
  }
}
