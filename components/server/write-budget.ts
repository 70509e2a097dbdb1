import type { EndOfTurn } from './end-of-turn.ts'

/** Bytes that all connections together write in one turn of the event loop: the operating system copies them in some 5 ms. */
const TURN_BYTES = 4 * 1024 * 1024
/** Bytes of this many turns are written before a connection with too much to send counts as slow. */
const RESERVE = 4
/** A write of so few bytes is never put off: the answer to a PINGREQ, say. */
const SMALL_WRITE_BYTES = 16 * 1024

/**
 * The bytes that are written in one turn of the event loop. One large message to hundreds of subscribers is too much for one
 * turn: when the budget is used up, the remaining connections write in the next turns, in their order.
 */
export class WriteBudget {
  readonly #endOfTurn: EndOfTurn
  readonly #turnBytes: number
  #turn = 0
  #written = 0
  /** Writes that were put off, since the start. */
  postponed = 0

  constructor(endOfTurn: EndOfTurn, turnBytes = TURN_BYTES) {
    this.#endOfTurn = endOfTurn
    this.#turnBytes = turnBytes
  }

  /** Whether a connection that has too much to send for a later turn may write in this one all the same. */
  get hasReserve(): boolean {
    return this.#turn !== this.#endOfTurn.turn || this.#written < RESERVE * this.#turnBytes
  }

  /** Whether a write of so many bytes may go out in this turn; it is counted then. */
  takes(bytes: number): boolean {
    if (this.#turn !== this.#endOfTurn.turn) {
      this.#turn = this.#endOfTurn.turn
      this.#written = 0
    }
    if (this.#written >= this.#turnBytes && bytes > SMALL_WRITE_BYTES) {
      this.postponed += 1
      return false
    }
    this.#written += bytes
    return true
  }
}
