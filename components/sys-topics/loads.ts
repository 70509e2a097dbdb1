import { CounterLoad } from '../../src/collections/load-average.ts'
import { LOADS, type Moment } from './topics.ts'

/** The moving averages below `$SYS/broker/load/`. */
export class Loads {
  readonly #loads: readonly { name: string; read: (typeof LOADS)[string]; load: CounterLoad }[]

  /** @param before the averages of the predecessor, by the names of their topics. */
  constructor(before: ReadonlyMap<string, readonly number[]> = new Map()) {
    this.#loads = Object.entries(LOADS).map(([name, read]) => ({ name, read, load: new CounterLoad(before.get(name)) }))
  }

  /** @param elapsedMs the time since the last call. @returns the values by their topics. */
  next(moment: Moment, elapsedMs: number): Map<string, string> {
    const values = new Map<string, string>()
    for (const { name, read, load } of this.#loads) {
      const count = read(moment)
      if (count === undefined) continue
      load.look(count, elapsedMs)
      for (const { minutes, average } of load.averages) {
        values.set(`load/${name}/${minutes}min`, average.perMinute.toFixed(2))
      }
    }
    return values
  }

  /** The averages, for a successor. */
  handOver(): Map<string, readonly number[]> {
    return new Map(this.#loads.map(({ name, load }) => [name, load.perMinute]))
  }
}
