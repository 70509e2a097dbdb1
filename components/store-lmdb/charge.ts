/**
 * Says which generation of the code acts now. Callbacks of timers and commits ask it, so that what was begun before a reset calls the
 * successor.
 */
export class Charge<T extends object> {
  #holder: T

  constructor(holder: T) {
    this.#holder = holder
  }

  get holder(): T {
    return this.#holder
  }

  /** Another one acts from now on. @returns gives it back. */
  take(holder: T): () => void {
    const before = this.#holder
    this.#holder = holder
    return () => {
      this.#holder = before
    }
  }
}
