import type { Logger } from '../../src/kinds/logger.ts'

/** Nodes of the tree visited and messages sent in one turn of the event loop, for all clients together: some milliseconds. */
const STEPS_PER_TURN = 20_000

/** Who looks for retained messages. */
export interface Searcher {
  /** Goes on from where it had to wait. */
  pump(): void
}

/**
 * Shares out the search for retained messages over turns of the event loop: a packet of some kilobytes can hold thousands of
 * filters that each lead through the whole tree and find nothing, and nobody else should have to wait for the end of that.
 */
export class SearchTurns {
  readonly #log: Logger
  /** In the order of their turns. */
  readonly #waiting = new Set<Searcher>()
  #left = STEPS_PER_TURN
  #immediate: NodeJS.Immediate | undefined

  constructor(log: Logger) {
    this.#log = log
  }

  /** Whether it may go on in this turn; otherwise it is pumped in a later one. */
  mayGoOn(searcher: Searcher): boolean {
    if (this.#left > 0) return true
    this.#waiting.add(searcher)
    return false
  }

  /** So much was done. */
  spend(steps: number): void {
    this.#left -= steps
    this.#immediate ??= setImmediate(() => this.#nextTurn())
  }

  /** Nobody's turn comes any more. */
  stop(): void {
    clearImmediate(this.#immediate)
    this.#waiting.clear()
  }

  #nextTurn(): void {
    this.#immediate = undefined
    this.#left = STEPS_PER_TURN
    // Whoever has to wait again stands at the end.
    for (const searcher of this.#waiting) {
      if (this.#left <= 0) break
      this.#waiting.delete(searcher)
      this.#pump(searcher)
    }
    if (this.#waiting.size > 0) this.#immediate ??= setImmediate(() => this.#nextTurn())
  }

  /** A fault in one search must not end the others, nor the process. */
  #pump(searcher: Searcher): void {
    try {
      searcher.pump()
    } catch (error) {
      this.#log.error({ err: error }, 'A search for retained messages failed')
    }
  }
}
