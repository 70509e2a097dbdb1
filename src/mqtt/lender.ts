/** Whoever owns memory that holds a packet now, and something else before this turn of the event loop ends. */
export interface Lender {
  /** Lends the memory to a borrower, who is told where the bytes are before they are overwritten. */
  lend(borrower: Borrower): void
  /** Does that now, for all of them. */
  settle(): void
}

/** Whoever has noted ranges of lent memory. */
export interface Borrower {
  /**
   * What was in `from` is in `to`, behind so many other bytes, until this turn of the event loop ends: what lasts longer is copied.
   */
  moved(from: Uint8Array, to: Uint8Array, by: number): void
}
