import { Fifo } from '../../src/collections/fifo.ts'
import { TokenBucket } from '../../src/collections/token-bucket.ts'
import type { RunningTrace, TracedPacket, TraceFilter, TraceLine } from '../../src/kinds/tracer.ts'
import type { TracerConfig } from './config.ts'
import { bytesOf, traceLineOf } from './trace-line.ts'

/** What a trace is started with; all of it goes to the successor at a reset. */
export interface TraceStart {
  readonly id: string
  readonly filter: TraceFilter
  readonly payloads: boolean
  readonly maximumLines: number
  readonly startedAtMs: number
  readonly endsAtMs: number
}

/** Who is told of a trace. */
export interface TraceOwner {
  readonly config: TracerConfig
  added(line: TraceLine, trace: KeptTrace): void
  missed(trace: KeptTrace, count: number): void
  stopped(trace: KeptTrace, byItself: boolean): void
}

/** A trace with the last of its lines. */
export class KeptTrace implements RunningTrace {
  readonly id: string
  readonly filter: TraceFilter
  readonly payloads: boolean
  readonly maximumLines: number
  readonly startedAtMs: number
  readonly #owner: TraceOwner
  readonly #lines = new Fifo<TraceLine>()
  readonly #rate: TokenBucket
  #bytes = 0
  #count = 0
  #missed = 0
  #endsAtMs: number
  /** While it runs. */
  #timer: NodeJS.Timeout | undefined

  /** Starts it. @param lines of the predecessor, at a reset. */
  constructor(start: TraceStart, owner: TraceOwner, lines: readonly TraceLine[] = []) {
    this.id = start.id
    this.filter = start.filter
    this.payloads = start.payloads
    this.maximumLines = start.maximumLines
    this.startedAtMs = start.startedAtMs
    this.#endsAtMs = start.endsAtMs
    this.#owner = owner
    this.#rate = new TokenBucket(owner.config.maximumLinesPerSecond, performance.now())
    for (const line of lines) this.#keep(line)
    this.#timer = setTimeout(() => this.#end(true), Math.max(0, start.endsAtMs - Date.now())).unref()
  }

  get endsAtMs(): number {
    return this.#endsAtMs
  }

  get isRunning(): boolean {
    return this.#timer !== undefined
  }

  get count(): number {
    return this.#count
  }

  get missed(): number {
    return this.#missed
  }

  lines(after = 0, limit = Number.POSITIVE_INFINITY): readonly TraceLine[] {
    const lines: TraceLine[] = []
    for (const line of this.#lines) {
      if (lines.length >= limit) break
      if (line.number > after) lines.push(line)
    }
    return lines
  }

  stop(): void {
    this.#end(false)
  }

  /** Ends it and forgets its lines: connections may hold it until they look at the traces again. */
  forget(): void {
    this.stop()
    this.#lines.clear()
    this.#bytes = 0
  }

  mayAdd(): boolean {
    if (!this.isRunning) return false
    const { maximumLinesPerSecond: most } = this.#owner.config
    if (this.#rate.takeOne(most, most, performance.now())) return true
    this.miss(1)
    return false
  }

  takes(count: number): boolean {
    const { maximumLinesPerSecond: most } = this.#owner.config
    return this.isRunning && this.#rate.has(Math.min(count, most), most, most, performance.now())
  }

  miss(count: number): void {
    if (!this.isRunning) return
    this.#missed += count
    this.#owner.missed(this, count)
  }

  add(packet: TracedPacket): void {
    const { maximumPayloadBytes } = this.#owner.config
    const line = traceLineOf(packet, this.#count + 1, Date.now(), this.payloads ? maximumPayloadBytes : undefined)
    this.#keep(line)
    this.#owner.added(line, this)
  }

  #keep(line: TraceLine): void {
    this.#lines.push(line)
    this.#count = line.number
    this.#bytes += bytesOf(line)
    while (
      this.#lines.length > this.maximumLines ||
      (this.#bytes > this.#owner.config.maximumBytes && this.#lines.length > 1)
    ) {
      this.#bytes -= bytesOf(this.#lines.shift()!)
    }
  }

  #end(byItself: boolean): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#endsAtMs = Date.now()
    this.#owner.stopped(this, byItself)
  }
}
