/** A takeover counts as one more in a row when the last one of the Client Identifier is no longer ago than this. */
const QUIET_MS = 60_000
/** Takeovers in a row that are unusual for one device that reconnects. */
const REPEATED = 5
/** Client Identifiers that are watched at the same time; beyond it the one that was taken over the longest ago is forgotten. */
const MAXIMUM_WATCHED = 1_000

interface Row {
  takeovers: number
  firstMs: number
  lastMs: number
}

/** Takeovers in a row of one Client Identifier that have become too many: reported once for each row. */
export interface RepeatedTakeovers {
  readonly takeovers: number
  readonly seconds: number
}

/**
 * Finds Client Identifiers that are taken over again and again, as by two devices that use the same one: each connects, which
 * disconnects the other, which connects again. A row of takeovers ends when there was none for a minute.
 */
export class TakeoverWatch {
  readonly #rows = new Map<string, Row>()

  /** How many Client Identifiers are watched. */
  get size(): number {
    return this.#rows.size
  }

  /**
   * Notes a takeover.
   * @returns the row when this takeover is the one that makes it too long: once for each row.
   */
  takenOver(clientId: string, nowMs: number): RepeatedTakeovers | undefined {
    const known = this.#rows.get(clientId)
    const goesOn = known !== undefined && nowMs - known.lastMs <= QUIET_MS
    const row = goesOn ? known : { takeovers: 0, firstMs: nowMs, lastMs: nowMs }
    row.takeovers += 1
    row.lastMs = nowMs
    // Behind all others: the map keeps the order of insertion.
    this.#rows.delete(clientId)
    this.#rows.set(clientId, row)
    if (this.#rows.size > MAXIMUM_WATCHED) this.#forgetOldest()
    if (row.takeovers !== REPEATED) return undefined
    return { takeovers: REPEATED, seconds: Math.ceil((nowMs - row.firstMs) / 1000) }
  }

  /** Whether the identifier is in a row that was reported: single lines about it say nothing new. */
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
