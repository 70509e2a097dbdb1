import { Meter } from '../../bench/generator/meter.ts'

/** Notes each delivery with its time, since a run says afterwards which of them were sent during a reset. */
export class LoadMeter extends Meter {
  /** By `performance.now()`. */
  readonly sentAtMs: number[] = []
  readonly latencyMs: number[] = []

  constructor() {
    super(0)
  }

  override delivered(sequence: number, sentAtMs: number, payloadBytes: number): void {
    super.delivered(sequence, sentAtMs, payloadBytes)
    this.sentAtMs.push(sentAtMs)
    this.latencyMs.push(this.nowMs - sentAtMs)
  }
}
