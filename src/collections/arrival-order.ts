/**
 * Things in the order in which they came, each under a number that only grows: whoever remembers the number of the last one
 * that it has seen goes on behind it, whatever was added or removed meanwhile.
 */
export class ArrivalOrder<Thing> {
  // Two columns, ascending by number. What is removed leaves a hole until there are more holes than things.
  #numbers: number[] = []
  #things: (Thing | undefined)[] = []
  #holes = 0
  #last = 0

  /** The number of what was added last; 0 before there was anything. */
  get last(): number {
    return this.#last
  }

  /** @returns its number. */
  add(thing: Thing): number {
    this.#last += 1
    this.#numbers.push(this.#last)
    this.#things.push(thing)
    return this.#last
  }

  /** What is there under a number. */
  get(number: number): Thing | undefined {
    const index = this.#indexAfter(number - 1)
    return this.#numbers[index] === number ? this.#things[index] : undefined
  }

  /** Removes what is there under a number. */
  remove(number: number): void {
    this.#things[this.#indexAfter(number - 1)] = undefined
    this.#holes += 1
    if (this.#holes * 2 > this.#things.length) this.#close()
  }

  /**
   * Calls back with the things behind a number, until it says false.
   * @param last how far to go.
   * @param limit how many to look at, holes included.
   * @returns where to go on: the number that was looked at last, or `last` when there is no more.
   */
  walk(after: number, last: number, limit: number, onThing: (thing: Thing) => boolean): number {
    const start = this.#indexAfter(after)
    for (let index = start; index < this.#numbers.length && this.#numbers[index]! <= last; index += 1) {
      if (index - start === limit) return this.#numbers[index - 1]!
      const thing = this.#things[index]
      if (thing !== undefined && !onThing(thing)) return this.#numbers[index]!
    }
    return last
  }

  /** The place of the first number that is greater. */
  #indexAfter(number: number): number {
    let low = 0
    let high = this.#numbers.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#numbers[middle]! > number) high = middle
      else low = middle + 1
    }
    return low
  }

  #close(): void {
    const numbers: number[] = []
    const things: (Thing | undefined)[] = []
    for (let index = 0; index < this.#things.length; index += 1) {
      if (this.#things[index] === undefined) continue
      numbers.push(this.#numbers[index]!)
      things.push(this.#things[index])
    }
    this.#numbers = numbers
    this.#things = things
    this.#holes = 0
  }
}
