/** A takeover continues a row when the last takeover of the Client Identifier was at most this long ago. */
const QUIET_MS = 60_000
/** The number of takeovers in a row that is reported. A single device that reconnects does not reach it. */
const REPEATED = 5
/** Client Identifiers that are watched at the same time. Beyond it the one whose last takeover is the oldest is forgotten. */
const MAXIMUM_WATCHED = 1_000

export interface TakeoverRow {
  takeovers: number
  firstMs: number
  lastMs: number
}

/** Too many takeovers of one Client Identifier in a row. Reported once for each row. */
export interface RepeatedTakeovers {
  readonly takeovers: number
  readonly seconds: number
}

/**
 * Finds Client Identifiers that are taken over repeatedly. Two devices with the same Client Identifier cause this: each that
 * connects disconnects the other, which connects again. A row of takeovers ends after a minute without a takeover.
 */
export class TakeoverWatch {
  #rows = new Map<string, TakeoverRow>()

  /** The rows, for the watch that continues with them, by reference. */
  handOver(): Map<string, TakeoverRow> {
    return this.#rows
  }

  continueWith(rows: Map<string, TakeoverRow>): void {
    this.#rows = rows
  }

  /** How many Client Identifiers are watched. */
  get size(): number {
    return this.#rows.size
  }

  /**
   * Notes a takeover.
   * @returns the row when it has become too long with this takeover; once for each row.
   */
  takenOver(clientId: string, nowMs: number): RepeatedTakeovers | undefined {
    const known = this.#rows.get(clientId)
    const goesOn = known !== undefined && nowMs - known.lastMs <= QUIET_MS
    const row = goesOn ? known : { takeovers: 0, firstMs: nowMs, lastMs: nowMs }
    row.takeovers += 1
    row.lastMs = nowMs
    // Moved to the end: the map keeps the order of insertion.
    this.#rows.delete(clientId)
    this.#rows.set(clientId, row)
    if (this.#rows.size > MAXIMUM_WATCHED) this.#forgetOldest()
    if (row.takeovers !== REPEATED) return undefined
    return { takeovers: REPEATED, seconds: Math.ceil((nowMs - row.firstMs) / 1000) }
  }

  /** Whether the identifier is in a row that was reported. */
  isRepeated(clientId: string, nowMs: number): boolean {
    const row = this.#rows.get(clientId)
    return row !== undefined && row.takeovers >= REPEATED && nowMs - row.lastMs <= QUIET_MS
  }

  #forgetOldest(): void {
    for (const clientId of this.#rows.keys()) {
      this.#rows.delete(clientId)
      return
    }
  }
}
