import type { Values } from '../plan.ts'
import { type ProcessUsage, readMachineCpuMs, readProcessUsage } from '../process-usage.ts'
import { slopePerMinute } from '../statistics.ts'

/** The interval of samples of the broker's memory, in milliseconds. */
const rssIntervalMs = 200

/** From this share of a processor on, other processes cause a warning. */
const othersShareLimit = 0.3

/** Warns if other processes used the machine. */
export const disturbance = ({ othersCpuShare }: Values): string[] =>
  (othersCpuShare ?? 0) > othersShareLimit
    ? ['other programs kept the machine busy, too: repeat it on a quiet one']
    : []

/** What two processes used between two moments: the broker by /proc, the load generator by what it knows of itself. */
export class Interval {
  readonly #brokerPid: number
  readonly #fromMs = performance.now()
  readonly #broker: ProcessUsage | undefined
  readonly #generator = process.cpuUsage()
  readonly #machineMs = readMachineCpuMs()
  readonly #rss: { atMs: number; bytes: number }[] = []
  readonly #timer: NodeJS.Timeout

  constructor(brokerPid: number) {
    this.#brokerPid = brokerPid
    this.#broker = readProcessUsage(brokerPid)
    if (this.#broker !== undefined) this.#rss.push({ atMs: this.#fromMs, bytes: this.#broker.rssBytes })
    this.#timer = setInterval(() => this.#sampleRss(), rssIntervalMs)
  }

  get elapsedMs(): number {
    return performance.now() - this.#fromMs
  }

  /** Ends the interval. @returns what was used in it; unknown values are omitted. */
  end(): Values & { readonly elapsedMs: number } {
    clearInterval(this.#timer)
    this.#sampleRss()
    const elapsedMs = this.elapsedMs
    const generator = process.cpuUsage(this.#generator)
    const generatorMs = (generator.user + generator.system) / 1000
    const values = { elapsedMs, generatorCpuShare: generatorMs / elapsedMs }
    const broker = readProcessUsage(this.#brokerPid)
    if (broker === undefined || this.#broker === undefined) return values
    const userMs = broker.userMs - this.#broker.userMs
    const systemMs = broker.systemMs - this.#broker.systemMs
    const rss = this.#rss.map(({ bytes }) => bytes)
    const machineMs = readMachineCpuMs()
    const others =
      machineMs === undefined || this.#machineMs === undefined
        ? {}
        : { othersCpuShare: Math.max(0, machineMs - this.#machineMs - userMs - systemMs - generatorMs) / elapsedMs }
    return {
      ...values,
      ...others,
      brokerCpuMs: userMs + systemMs,
      brokerCpuShare: (userMs + systemMs) / elapsedMs,
      brokerSystemShare: systemMs / Math.max(1, userMs + systemMs),
      rssBytes: rss.at(-1)!,
      rssPeakBytes: Math.max(...rss),
      // Only the second half: in the first half the heap still grows to its normal size.
      rssSlopeBytesPerMinute: slopePerMinute(this.#rss.slice(Math.floor(this.#rss.length / 2))),
    }
  }

  #sampleRss(): void {
    const usage = readProcessUsage(this.#brokerPid)
    if (usage !== undefined) this.#rss.push({ atMs: performance.now(), bytes: usage.rssBytes })
  }
}
