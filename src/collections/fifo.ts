/** The number of removed elements after which the array is shortened. */
const COMPACT_AT = 1024

/** First in, first out, in constant time: `Array.shift` is linear. */
export class Fifo<T> {
  #items: T[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** The oldest element. It is not removed. */
  peek(): T | undefined {
    return this.#items[this.#head]
  }

  shift(): T | undefined {
    const item = this.#items[this.#head]
    if (item === undefined) return undefined
    // Releases the reference to the element taken.
    this.#items[this.#head] = undefined as T
    this.#head += 1
    if (this.#head === this.#items.length) this.clear()
    else if (this.#head >= COMPACT_AT && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  /** Puts an element before the oldest, after it was taken. */
  unshift(item: T): void {
    if (this.#head > 0) {
      this.#head -= 1
      this.#items[this.#head] = item
    } else this.#items.unshift(item)
  }

  clear(): void {
    this.#items = []
    this.#head = 0
  }

  /** All elements, oldest first. */
  *[Symbol.iterator](): Generator<T> {
    for (let index = this.#head; index < this.#items.length; index += 1) yield this.#items[index]!
  }
}
