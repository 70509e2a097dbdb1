import type { LogTail, TailLine } from '../../src/kinds/logger.ts'

/** The last lines of the log, within bounds. A line costs one entry in a ring, and a call for each reader. */
export class RecentLines implements LogTail {
  #maximumLines: number
  #maximumCharacters: number
  /** A ring: the line with a number is at its remainder. */
  #lines: (string | undefined)[] = []
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

  /** Sets other bounds. The oldest lines beyond them are dropped. @param maximumLines at least 1. @returns takes it back. */
  adjust(maximumLines: number, maximumCharacters: number): () => void {
    const before = { lines: this.lines(), maximumLines: this.#maximumLines, maximumCharacters: this.#maximumCharacters }
    this.#rebuild(before.lines, maximumLines, maximumCharacters)
    return () => {
      const lines = [...before.lines, ...this.lines(before.lines.at(-1)?.number)]
      this.#rebuild(lines, before.maximumLines, before.maximumCharacters)
    }
  }

  /** The place of a line in the ring depends on the size of the ring. */
  #rebuild(lines: readonly TailLine[], maximumLines: number, maximumCharacters: number): void {
    this.#maximumLines = maximumLines
    this.#maximumCharacters = maximumCharacters
    const kept = lines.slice(-maximumLines)
    this.#first = kept[0]?.number ?? this.#last + 1
    this.#lines = []
    this.#characters = 0
    for (const { number, json } of kept) {
      this.#lines[number % maximumLines] = json
      this.#characters += json.length
    }
    while (this.#characters > maximumCharacters) this.#dropFirst()
  }

  #dropFirst(): void {
    const index = this.#first % this.#maximumLines
    this.#characters -= this.#lines[index]!.length
    this.#lines[index] = undefined
    this.#first += 1
  }
}
