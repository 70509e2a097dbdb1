import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { type Faults, noFaults } from '../plan.ts'

/**
 * What all clients of a run count together. Latencies go to Node's own HdrHistogram (1 ns to 60 s, three significant
 * figures): 25 ns for a value, where the JavaScript port of the same takes 90.
 */
export class Meter {
  // Counted always; the difference over an interval is what was measured.
  deliveries = 0
  payloadBytes = 0
  published = 0
  readonly faults: Faults = noFaults()
  /** Why connections were lost, the first few of them. */
  readonly endings: string[] = []

  /** The time that what is being read arrived at, by `performance.now()`: taken once for each chunk. */
  nowMs = 0

  // Latency, of the messages whose intended send time is within the interval.
  readonly latencyNs: RecordableHistogram = createHistogram({ lowest: 1, highest: 60_000_000_000, figures: 3 })
  /** By how much messages left later than intended: what the generator itself adds. */
  readonly sendLagNs: RecordableHistogram = createHistogram({ lowest: 1, highest: 60_000_000_000, figures: 3 })
  fromMs = Number.POSITIVE_INFINITY
  toMs = Number.POSITIVE_INFINITY
  /** Messages whose sequence number has none of these bits are recorded: 0 records all. */
  readonly sampleMask: number

  constructor(sampleMask: number) {
    this.sampleMask = sampleMask
  }

  delivered(sequence: number, sentAtMs: number, payloadBytes: number): void {
    this.deliveries += 1
    this.payloadBytes += payloadBytes
    if ((sequence & this.sampleMask) === 0 && sentAtMs >= this.fromMs && sentAtMs < this.toMs) {
      record(this.latencyNs, this.nowMs - sentAtMs)
    }
  }

  sent(intendedMs: number, nowMs: number): void {
    if (intendedMs >= this.fromMs && intendedMs < this.toMs) record(this.sendLagNs, nowMs - intendedMs)
  }

  disconnected(reason: string): void {
    this.faults.disconnected += 1
    if (this.endings.length < 3) this.endings.push(reason)
  }
}

const record = (histogram: RecordableHistogram, ms: number): void => {
  histogram.record(Math.max(1, Math.round(ms * 1e6)))
}
