/** The last minutes of the overview, one sample a second, for the charts. */

import type { Overview } from './contract.ts'
import { type Rates, ratesBetween, type Totals, totalsOf } from './counters.ts'

/** Five minutes. */
export const HISTORY_SAMPLES = 300

/** One second of the broker. */
export interface Sample extends Rates {
  /** In seconds since 1970, as uPlot reads it. */
  readonly timeSeconds: number
  readonly clients: number
  readonly eventLoopP99Ms: number
  readonly eventLoopMaxMs: number
  readonly rssBytes: number
  readonly heapUsedBytes: number
}

export class History {
  readonly samples: Sample[] = []
  #before: { totals: Totals; timeMs: number; startedAtMs: number } | undefined

  /** Adds an overview. The first one has no rates and makes no sample, and neither has the first after a restart of the broker. */
  add(overview: Overview, timeMs: number): void {
    const totals = totalsOf(overview)
    const before = this.#before
    this.#before = { totals, timeMs, startedAtMs: overview.startedAtMs }
    if (before === undefined || before.startedAtMs !== overview.startedAtMs || timeMs <= before.timeMs) return
    this.samples.push({
      ...ratesBetween(before.totals, totals, (timeMs - before.timeMs) / 1000),
      timeSeconds: timeMs / 1000,
      clients: overview.clients,
      eventLoopP99Ms: overview.eventLoop.p99Ms,
      eventLoopMaxMs: overview.eventLoop.maxMs,
      rssBytes: overview.memory.rssBytes,
      heapUsedBytes: overview.memory.heapUsedBytes,
    })
    if (this.samples.length > HISTORY_SAMPLES) this.samples.shift()
  }

  get last(): Sample | undefined {
    return this.samples.at(-1)
  }
}
