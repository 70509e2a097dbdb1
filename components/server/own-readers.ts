/** Connections that may have memory of their own to read into, all together: 4 MiB. */
export const MAXIMUM_OWN_READERS = 64
/** A connection that has read nothing in so many turns of the event loop gives its memory back when another one wants some. */
const SILENT_TURNS = 1_000

/** A connection that may have memory of its own to read into. */
export interface OwnReader {
  /** Where it is in the list of those that have some; -1 when it is not. `OwnReaders` alone writes this and `lastTurn`. */
  place: number
  /** The turn in which it last asked. */
  lastTurn: number
  /** Gives the memory back, without a read. */
  giveBack(): void
}

/**
 * The connections that have memory of their own to read into, and so hold it while they are silent: the memory for the next
 * read is chosen when a read ends. Two thousand silent clients held 126 MiB. So only some may have it at the same time, and
 * silent connections give it up. All others read into the memory of the server, which costs a copy.
 */
export class OwnReaders {
  readonly #readers: OwnReader[] = []
  /** Which one is looked at next. */
  #next = 0

  /** Whether this connection may have memory for its next read. Each time counts as a sign of life. @param turn the present one. */
  mayHave(reader: OwnReader, turn: number): boolean {
    reader.lastTurn = turn
    if (reader.place >= 0) return true
    if (this.#readers.length >= MAXIMUM_OWN_READERS && !this.#makeRoom(turn)) return false
    reader.place = this.#readers.push(reader) - 1
    return true
  }

  /** The connection needs none any more. */
  leave(reader: OwnReader): void {
    if (reader.place < 0) return
    const last = this.#readers.pop()!
    if (last !== reader) {
      this.#readers[reader.place] = last
      last.place = reader.place
    }
    reader.place = -1
  }

  /** Examines one of them. To examine all for each read would cost more than the copy. */
  #makeRoom(turn: number): boolean {
    this.#next = (this.#next + 1) % this.#readers.length
    const reader = this.#readers[this.#next]!
    if (turn - reader.lastTurn < SILENT_TURNS) return false
    reader.giveBack()
    this.leave(reader)
    return true
  }
}
