/** The windows that mosquitto has, in minutes. */
export const LOAD_MINUTES = [1, 5, 15] as const

/** Moving averages of a counter: how much it grows in a minute. The older a time is, the less it counts. */
export class LoadAverage {
  readonly perMinute = LOAD_MINUTES.map(() => 0)
  readonly #read: () => number
  #last: number

  constructor(read: () => number) {
    this.#read = read
    this.#last = read()
  }

  /** Adds the time since the last call, in seconds. */
  look(seconds: number): void {
    const now = this.#read()
    const rate = ((now - this.#last) / seconds) * 60
    this.#last = now
    for (const [index, minutes] of LOAD_MINUTES.entries()) {
      const kept = Math.exp(-seconds / (minutes * 60))
      this.perMinute[index] = this.perMinute[index]! * kept + rate * (1 - kept)
    }
  }
}
