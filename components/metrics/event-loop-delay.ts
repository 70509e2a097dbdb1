import type { Family, Sample } from './family.ts'

/** How often it looks, in milliseconds. */
const INTERVAL_MS = 20
/** The upper bounds of the buckets, in seconds. A turn should be over in 10 ms, the work that the broker does in one. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

/**
 * How late timers of the event loop are, as a histogram that only grows. That of `perf_hooks` has quantiles since its last reset,
 * which cannot be added up over time or processes.
 */
export class EventLoopDelay {
  /** How many were within each bound and above the one before it; the last one is above all. */
  readonly #counts = new Float64Array(BOUNDS.length + 1)
  #sumSeconds = 0
  #expectedMs: number
  readonly #timer: NodeJS.Timeout
  readonly #nowMs: () => number

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
    this.#expectedMs = nowMs() + INTERVAL_MS
    this.#timer = setInterval(() => this.look(), INTERVAL_MS).unref()
  }

  /** Notes by how much it is called later than it should be. */
  look(): void {
    const nowMs = this.#nowMs()
    const seconds = Math.max(0, nowMs - this.#expectedMs) / 1_000
    this.#expectedMs = nowMs + INTERVAL_MS
    this.#sumSeconds += seconds
    const index = BOUNDS.findIndex((bound) => seconds <= bound)
    this.#counts[index < 0 ? BOUNDS.length : index]! += 1
  }

  family(): Family {
    return {
      name: 'nodejs_eventloop_delay_seconds',
      type: 'histogram',
      help: 'How late timers of the event loop are, looked at every 20 ms.',
      unit: 'seconds',
      samples: [
        ...BOUNDS.map((bound, index) => this.#bucket(String(bound), index)),
        this.#bucket('+Inf', BOUNDS.length),
        { suffix: '_sum', labels: [], read: () => this.#sumSeconds },
        { suffix: '_count', labels: [], read: () => this.#upTo(BOUNDS.length) },
      ],
    }
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #bucket(bound: string, index: number): Sample {
    return { suffix: '_bucket', labels: [['le', bound]], read: () => this.#upTo(index) }
  }

  #upTo(index: number): number {
    let count = 0
    for (let at = 0; at <= index; at += 1) count += this.#counts[at]!
    return count
  }
}
