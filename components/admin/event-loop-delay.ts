import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

/** The interval of the measurement, in milliseconds: a delay is what a timer is late. */
const RESOLUTION_MS = 10
/** The time that the numbers are about at least, in milliseconds, and half of what they are about at most. */
const HALF_WINDOW_MS = 5_000
const NANOSECONDS = 1_000_000

export interface Delays {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/**
 * How late the event loop is, up to now: over the last five to ten seconds, and at first over the time since the start. Two histograms
 * begin in turn, and the one that began earlier is read.
 */
export class EventLoopDelay {
  #earlier: IntervalHistogram = started()
  #later: IntervalHistogram = started()
  readonly #timer: NodeJS.Timeout

  constructor() {
    this.#timer = setInterval(() => {
      this.#earlier.reset()
      const next = this.#later
      this.#later = this.#earlier
      this.#earlier = next
    }, HALF_WINDOW_MS).unref()
  }

  get delays(): Delays {
    const histogram = this.#earlier
    return {
      p50Ms: late(histogram.percentile(50)),
      p99Ms: late(histogram.percentile(99)),
      maxMs: histogram.count === 0 ? 0 : late(histogram.max),
    }
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#earlier.disable()
    this.#later.disable()
  }
}

const started = (): IntervalHistogram => {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  return histogram
}

const late = (nanoseconds: number): number =>
  Number.isFinite(nanoseconds) ? Math.max(0, Math.round((nanoseconds / NANOSECONDS - RESOLUTION_MS) * 100) / 100) : 0
