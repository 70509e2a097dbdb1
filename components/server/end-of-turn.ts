/** Something to do once, when this turn of the event loop ends. Must not throw. */
export interface TurnEnd {
  endTurn(): void
}

/**
 * Collects what is to be done at the end of this turn of the event loop, after everything that the network had ready was
 * read: one timer for all connections, and one write for all that a connection was sent in the meantime.
 */
export class EndOfTurn {
  readonly #items = new TurnList()
  readonly #readers = new TurnList()
  readonly #last = new TurnList()
  #scheduled = false
  /** Counts the turns in which there was something to do. */
  turn = 0

  add(item: TurnEnd): void {
    this.#items.add(item)
    this.#schedule()
  }

  /** Adds something that handles more packets: after the answers to the packets of this turn were written. */
  addReader(item: TurnEnd): void {
    this.#readers.add(item)
    this.#schedule()
  }

  /** Adds something to do after all that. */
  addLast(item: TurnEnd): void {
    this.#last.add(item)
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
    this.#items.endTurn()
    this.#readers.endTurn()
    this.#last.endTurn()
  }
}

/** What is to be done when a turn ends. Its arrays keep their length: they would take new memory in each turn otherwise. */
class TurnList {
  #items: (TurnEnd | undefined)[] = []
  #count = 0
  /** The array that the turn before used. */
  #spare: (TurnEnd | undefined)[] = []

  add(item: TurnEnd): void {
    this.#items[this.#count] = item
    this.#count += 1
  }

  /** What is added meanwhile waits for the next turn. */
  endTurn(): void {
    const items = this.#items
    const count = this.#count
    this.#items = this.#spare
    this.#count = 0
    for (let index = 0; index < count; index += 1) {
      const item = items[index]!
      items[index] = undefined
      item.endTurn()
    }
    this.#spare = items
  }
}
