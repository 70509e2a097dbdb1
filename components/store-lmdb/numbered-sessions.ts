import type { SessionEntry } from './batch.ts'

/** The sessions of a file by their numbers. */
export class NumberedSessions {
  /** In the order of their numbers. */
  readonly entries: SessionEntry[] = []
  readonly #numbers: number[] = []

  /** Adds one. @throws an Error unless its number is higher than all others. */
  add(entry: SessionEntry): void {
    if (entry.number <= (this.#numbers.at(-1) ?? -1)) throw new Error(`the number ${entry.number} is there twice`)
    this.entries.push(entry)
    this.#numbers.push(entry.number)
  }

  get(number: number): SessionEntry | undefined {
    const place = this.find(number)
    return place === -1 ? undefined : this.entries[place]
  }

  /** @returns the place of a number in `entries`; -1 if there is none. */
  find(number: number): number {
    const numbers = this.#numbers
    let low = 0
    let high = numbers.length
    // If no number is missing, it is exactly there; otherwise it is before that.
    const guess = high === 0 ? -1 : number - numbers[0]!
    if (guess < 0) return -1
    if (guess < high && numbers[guess] === number) return guess
    high = Math.min(guess, high)
    while (low < high) {
      const middle = (low + high) >>> 1
      if (numbers[middle]! < number) low = middle + 1
      else high = middle
    }
    return numbers[low] === number ? low : -1
  }
}
