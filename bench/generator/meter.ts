import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { type Faults, noFaults } from '../plan.ts'

/**
 * The common counters of all clients of a run. Latencies go to Node's own HdrHistogram (1 ns to 60 s, three significant
 * figures): 25 ns for a value; its JavaScript port takes 90 ns.
 */
export class Meter {
  // Always counted. The measurement is the difference over an interval.
  deliveries = 0
  payloadBytes = 0
  published = 0
  /** Messages whose last acknowledgement came. */
  acknowledged = 0
  readonly faults: Faults = noFaults()
  /** Why connections were lost, the first few of them. */
  readonly endings: string[] = []

  /** The arrival time of the current chunk, by `performance.now()`. */
  nowMs = 0

  // Latency, of the messages whose intended send time is within the interval.
  readonly latencyNs: RecordableHistogram = createHistogram({ lowest: 1, highest: 60_000_000_000, figures: 3 })
  /** Until the last acknowledgement of a message, in the open loop alone. */
  readonly acknowledgedNs: RecordableHistogram = createHistogram({ lowest: 1, highest: 60_000_000_000, figures: 3 })
  /** The delay of messages against their intended time, caused by the generator. */
  readonly sendLagNs: RecordableHistogram = createHistogram({ lowest: 1, highest: 60_000_000_000, figures: 3 })
  fromMs = Number.POSITIVE_INFINITY
  toMs = Number.POSITIVE_INFINITY
  /** A message is recorded if its sequence number has no bit of this mask. 0 records all. */
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

  /** @param intendedMs when the message was meant to leave. */
  completed(intendedMs: number): void {
    if (intendedMs >= this.fromMs && intendedMs < this.toMs) record(this.acknowledgedNs, this.nowMs - intendedMs)
  }

  disconnected(reason: string): void {
    this.faults.disconnected += 1
    if (this.endings.length < 3) this.endings.push(reason)
  }
}

const record = (histogram: RecordableHistogram, ms: number): void => {
  histogram.record(Math.max(1, Math.round(ms * 1e6)))
}
