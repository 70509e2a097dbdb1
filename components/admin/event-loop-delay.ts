import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

/** The interval of the measurement, in milliseconds: a delay is what a timer is late. */
const RESOLUTION_MS = 10
/** The time that the numbers are about, in milliseconds. */
const WINDOW_MS = 10_000
const NANOSECONDS = 1_000_000

export interface Delays {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** How late the event loop is, over the last ten seconds, and at first over the time since the start. */
export class EventLoopDelay {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  readonly #timer: NodeJS.Timeout
  #last: Delays | undefined

  constructor() {
    this.#histogram.enable()
    this.#timer = setInterval(() => {
      this.#last = this.#read()
      this.#histogram.reset()
    }, WINDOW_MS).unref()
  }

  get delays(): Delays {
    return this.#last ?? this.#read()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#histogram.disable()
  }

  #read(): Delays {
    const late = (nanoseconds: number): number =>
      Number.isFinite(nanoseconds)
        ? Math.max(0, Math.round((nanoseconds / NANOSECONDS - RESOLUTION_MS) * 100) / 100)
        : 0
    const { max } = this.#histogram
    return {
      p50Ms: late(this.#histogram.percentile(50)),
      p99Ms: late(this.#histogram.percentile(99)),
      maxMs: this.#histogram.count === 0 ? 0 : late(max),
    }
  }
}
