/**
 * Items in the order in which they were added, each with an ascending number. A reader that remembers the number of the last
 * item it has seen can continue after it, even if items were added or removed meanwhile.
 */
export class ArrivalOrder<Thing> {
  // Two columns, ascending by number. A removed item leaves a hole. When there are more holes than items, they are
  // removed. Before the first time, each number is that of its place, from 1 on, and there is no column of numbers.
  #numbers: number[] | undefined
  #things: (Thing | undefined)[] = []
  #holes = 0
  #last = 0

  /** The number of the last item added; 0 if there was none. */
  get last(): number {
    return this.#last
  }

  /** @returns its number. */
  add(thing: Thing): number {
    this.#last += 1
    this.#numbers?.push(this.#last)
    this.#things.push(thing)
    return this.#last
  }

  /** The item with a number. */
  get(number: number): Thing | undefined {
    const index = this.#indexAfter(number - 1)
    return this.#numberAt(index) === number ? this.#things[index] : undefined
  }

  /** Removes the item with a number. */
  remove(number: number): void {
    this.#things[this.#indexAfter(number - 1)] = undefined
    this.#holes += 1
    if (this.#holes * 2 > this.#things.length) this.#close()
  }

  /**
   * Calls back with the items after a number until the callback returns false.
   * @param last the number to end with.
   * @param limit the maximum number of items to examine, holes included.
   * @returns the number to continue after: that of the last item examined, or `last` if there are no more.
   */
  walk(after: number, last: number, limit: number, onThing: (thing: Thing) => boolean): number {
    const start = this.#indexAfter(after)
    for (let index = start; index < this.#things.length && this.#numberAt(index) <= last; index += 1) {
      if (index - start === limit) return this.#numberAt(index - 1)
      const thing = this.#things[index]
      if (thing !== undefined && !onThing(thing)) return this.#numberAt(index)
    }
    return last
  }

  #numberAt(index: number): number {
    return this.#numbers === undefined ? index + 1 : this.#numbers[index]!
  }

  /** The place of the first number that is greater. */
  #indexAfter(number: number): number {
    const numbers = this.#numbers
    if (numbers === undefined) return Math.min(number, this.#things.length)
    let low = 0
    let high = numbers.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (numbers[middle]! > number) high = middle
      else low = middle + 1
    }
    return low
  }

  #close(): void {
    const numbers: number[] = []
    const things: (Thing | undefined)[] = []
    for (let index = 0; index < this.#things.length; index += 1) {
      if (this.#things[index] === undefined) continue
      numbers.push(this.#numberAt(index))
      things.push(this.#things[index])
    }
    this.#numbers = numbers
    this.#things = things
    this.#holes = 0
  }
}
