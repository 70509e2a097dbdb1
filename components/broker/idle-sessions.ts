/** Sessions that hold nothing, the longest away first. Each operation takes constant time. */
export class IdleSessions<S> {
  readonly #sessions = new Set<S>()
  /** The first of them, and the search for the next: from the beginning it would pass the place of each that was removed. */
  #oldest: S | undefined
  #search: Iterator<S> | undefined

  get count(): number {
    return this.#sessions.size
  }

  add(session: S): void {
    this.#sessions.add(session)
  }

  delete(session: S): void {
    this.#sessions.delete(session)
    if (this.#oldest === session) this.#oldest = undefined
  }

  [Symbol.iterator](): IterableIterator<S> {
    return this.#sessions.values()
  }

  get oldest(): S | undefined {
    while (this.#oldest === undefined && this.#sessions.size > 0) {
      this.#search ??= this.#sessions.values()
      const next = this.#search.next()
      if (next.done === true) this.#search = undefined
      else this.#oldest = next.value
    }
    return this.#oldest
  }
}
