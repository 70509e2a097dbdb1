import type { LogTail, TailLine } from '../../src/kinds/logger.ts'

/** The last lines of the log, within bounds. A line costs one entry in a ring, and a call for each reader. */
export class RecentLines implements LogTail {
  readonly #maximumLines: number
  readonly #maximumCharacters: number
  /** A ring: the line with a number is at its remainder. */
  readonly #lines: (string | undefined)[] = []
  readonly #readers = new Set<(line: TailLine) => void>()
  #first = 1
  #last = 0
  #characters = 0

  /** @param maximumLines at least 1. */
  constructor(maximumLines: number, maximumCharacters: number) {
    this.#maximumLines = maximumLines
    this.#maximumCharacters = maximumCharacters
  }

  get last(): number {
    return this.#last
  }

  /** @param json an object, as pino writes it. */
  add(json: string): void {
    if (this.#last - this.#first + 1 === this.#maximumLines) this.#dropFirst()
    this.#last += 1
    this.#characters += json.length
    this.#lines[this.#last % this.#maximumLines] = json
    // A line that is larger than the bound is not kept either.
    while (this.#characters > this.#maximumCharacters) this.#dropFirst()
    if (this.#readers.size === 0) return
    const line = { number: this.#last, json }
    for (const reader of this.#readers) reader(line)
  }

  lines(after = 0, limit = Number.POSITIVE_INFINITY): TailLine[] {
    const found: TailLine[] = []
    for (let number = Math.max(this.#first, after + 1); number <= this.#last && found.length < limit; number += 1) {
      found.push({ number, json: this.#lines[number % this.#maximumLines]! })
    }
    return found
  }

  onLine(reader: (line: TailLine) => void): () => void {
    const own = (line: TailLine): void => reader(line)
    this.#readers.add(own)
    return () => void this.#readers.delete(own)
  }

  #dropFirst(): void {
    const index = this.#first % this.#maximumLines
    this.#characters -= this.#lines[index]!.length
    this.#lines[index] = undefined
    this.#first += 1
  }
}
