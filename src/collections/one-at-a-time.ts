/** Runs asynchronous work one piece after the other, in the order of the calls. */
export class OneAtATime {
  #last: Promise<unknown> = Promise.resolve()

  /** Begins when all earlier work has settled. @returns what the work returns; it rejects as the work does. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => undefined)
    return result
  }

  /** Resolves when all work of earlier calls has settled. Never rejects. */
  async settled(): Promise<void> {
    await this.#last
  }
}
