/** Functions that are called together, in the order in which they were added. */
export class Listeners {
  /** A new list for each change: a listener may end itself while the list is walked. */
  #listeners: readonly Listener[] = []

  /** @returns removes it. */
  add(call: () => void): () => void {
    // An object of its own: the same function may be added twice.
    const added = { call }
    this.#listeners = [...this.#listeners, added]
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== added)
    }
  }

  call(): void {
    for (const { call } of this.#listeners) call()
  }

  clear(): void {
    this.#listeners = []
  }
}

interface Listener {
  readonly call: () => void
}
