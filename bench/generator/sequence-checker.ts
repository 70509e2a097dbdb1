/** Missing sequence numbers that are remembered by one checker, to tell a late delivery from a repeated one. */
const maximumRemembered = 100_000

/**
 * Checks that the messages of several streams come once each and in the order of their sequence numbers, which start at 0. A
 * skipped number is missing until it comes late.
 */
export class SequenceChecker {
  /** The number expected next, for each stream. */
  readonly #next: Float64Array
  /** Numbers skipped and not seen since, as `stream:number`; made on first need. */
  #missing: Set<string> | undefined

  /** Numbers skipped and not seen since. */
  missing = 0
  duplicated = 0
  reordered = 0

  constructor(streams: number) {
    this.#next = new Float64Array(streams)
  }

  /**
   * Notes a message.
   * @returns the number of messages that it accounts for: itself and those skipped before it, or 0 if it was accounted for
   * already.
   */
  accept(stream: number, sequence: number): number {
    const next = this.#next[stream]!
    if (sequence === next) {
      this.#next[stream] = next + 1
      return 1
    }
    return this.#acceptOutOfOrder(stream, sequence, next)
  }

  /** Messages of a stream that were sent, `sent` in all, and not accounted for yet: on their way, or lost at the end. */
  outstanding(stream: number, sent: number): number {
    return sent - this.#next[stream]!
  }

  #acceptOutOfOrder(stream: number, sequence: number, next: number): number {
    if (sequence > next) {
      this.missing += sequence - next
      this.#missing ??= new Set()
      for (let each = next; each < sequence && this.#missing.size < maximumRemembered; each++) {
        this.#missing.add(`${stream}:${each}`)
      }
      this.#next[stream] = sequence + 1
      return sequence - next + 1
    }
    if (this.#missing?.delete(`${stream}:${sequence}`) === true) {
      this.missing -= 1
      this.reordered += 1
    } else {
      this.duplicated += 1
    }
    return 0
  }
}
