import { LoadAverage } from './load-average.ts'
import { LOAD_MINUTES, LOADS, type Moment } from './topics.ts'

interface Load {
  readonly name: string
  readonly averages: readonly { readonly minutes: number; readonly average: LoadAverage }[]
  /** The count at the last time; undefined before the first. */
  before: number | undefined
}

/** The moving averages below `$SYS/broker/load/`. */
export class Loads {
  readonly #loads: readonly Load[] = Object.keys(LOADS).map((name) => ({
    name,
    averages: LOAD_MINUTES.map((minutes) => ({ minutes, average: new LoadAverage(minutes) })),
    before: undefined,
  }))

  /** @param elapsedMs the time since the last call. @returns the values by their topics. */
  next(moment: Moment, elapsedMs: number): Map<string, string> {
    const values = new Map<string, string>()
    for (const load of this.#loads) {
      const count = LOADS[load.name]!(moment)
      if (count === undefined) continue
      for (const { minutes, average } of load.averages) {
        // A component that was started anew counts from 0 again.
        if (load.before !== undefined && elapsedMs > 0) average.add(Math.max(0, count - load.before), elapsedMs)
        values.set(`load/${load.name}/${minutes}min`, average.perMinute.toFixed(2))
      }
      load.before = count
    }
    return values
  }
}
