/** Something to do once, when this turn of the event loop ends. Must not throw. */
export interface TurnEnd {
  endTurn(): void
}

/**
 * Collects what is to be done at the end of this turn of the event loop, after everything that the network had ready was
 * read: one timer for all connections, and one write for all that a connection was sent in the meantime.
 */
export class EndOfTurn {
  #waiting: TurnEnd[] = []
  #readers: TurnEnd[] = []
  #last: TurnEnd[] = []
  #scheduled = false
  /** Counts the turns in which there was something to do. */
  turn = 0

  add(item: TurnEnd): void {
    this.#waiting.push(item)
    this.#schedule()
  }

  /** Adds something that handles more packets: after the answers to the packets of this turn were written. */
  addReader(item: TurnEnd): void {
    this.#readers.push(item)
    this.#schedule()
  }

  /** Adds something to do after all that. */
  addLast(item: TurnEnd): void {
    this.#last.push(item)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#run)
  }

  readonly #run = (): void => {
    this.#scheduled = false
    this.turn += 1
    const items = this.#waiting
    this.#waiting = []
    for (const item of items) item.endTurn()
    const readers = this.#readers
    this.#readers = []
    for (const reader of readers) reader.endTurn()
    const last = this.#last
    this.#last = []
    for (const item of last) item.endTurn()
  }
}
