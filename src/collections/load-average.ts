const MINUTE_MS = 60_000

/** The times that the load of Unix and mosquitto have, in minutes. */
export const LOAD_MINUTES = [1, 5, 15] as const

/**
 * A rate per minute, averaged over a time that moves on: what happened longer ago weighs exponentially less. The same value as
 * that of mosquitto and of the load of Unix.
 */
export class LoadAverage {
  readonly #periodMs: number
  #perMinute: number

  /** @param minutes the time over which it is averaged. @param perMinute the average so far. */
  constructor(minutes: number, perMinute = 0) {
    this.#periodMs = minutes * MINUTE_MS
    this.#perMinute = perMinute
  }

  /** Events per minute. */
  get perMinute(): number {
    return this.#perMinute
  }

  /** @param count events since the last call. @param elapsedMs the time since then, more than 0. */
  add(count: number, elapsedMs: number): void {
    const now = (count * MINUTE_MS) / elapsedMs
    this.#perMinute = now + Math.exp(-elapsedMs / this.#periodMs) * (this.#perMinute - now)
  }
}

/** The averages of a counter over each of `LOAD_MINUTES`. */
export class CounterLoad {
  readonly averages: readonly { readonly minutes: number; readonly average: LoadAverage }[]
  /** The count at the last time; undefined before the first. */
  #before: number | undefined

  /** @param perMinute the averages of a predecessor, in the order of `LOAD_MINUTES`. */
  constructor(perMinute: readonly number[] = []) {
    this.averages = LOAD_MINUTES.map((minutes, at) => ({ minutes, average: new LoadAverage(minutes, perMinute[at]) }))
  }

  get perMinute(): readonly number[] {
    return this.averages.map(({ average }) => average.perMinute)
  }

  /** What was counted before the first call is part of no average. @param elapsedMs the time since the last call. */
  look(count: number, elapsedMs: number): void {
    const before = this.#before
    this.#before = count
    if (before === undefined || elapsedMs <= 0) return
    // A component that was started anew counts from 0 again.
    const events = Math.max(0, count - before)
    for (const { average } of this.averages) average.add(events, elapsedMs)
  }
}
