import { Change, liveConfig, replacing } from '../../src/collections/change.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { ReplaceableLogger } from '../../src/kinds/replaceable-logger.ts'
import type { RunningTrace, Trace, TraceFilter, TraceLine, TraceOptions, Tracer } from '../../src/kinds/tracer.ts'
import { checkBounds, checkFilter } from './check-options.ts'
import type { TracerConfig } from './config.ts'
import { KeptTrace, type TraceOwner } from './kept-trace.ts'

type LineListener = (line: TraceLine, trace: Trace) => void

/** Keeps the traces of this process. */
export class LocalTracer implements Tracer, TraceOwner {
  readonly config: TracerConfig
  /** A plain field: stages look at it for each packet. */
  running: readonly RunningTrace[] | undefined
  /** Events since the start, for operators. */
  readonly counters = { started: 0, lines: 0, missed: 0, refused: 0 }
  readonly #log: ReplaceableLogger
  readonly #traces = new Map<string, KeptTrace>()
  readonly #listeners = new Set<LineListener>()
  /** Traces whose missed packets were logged. */
  readonly #loggedMissed = new Set<string>()
  #lastId: number
  /** The successor continues the traces. */
  #isSuspended = false

  /** @param before the traces of the predecessor, at a reset. */
  constructor(config: TracerConfig, log: Logger, before: SuspendedTraces = { lastId: 0, traces: [] }) {
    this.config = liveConfig(config)
    this.#log = new ReplaceableLogger(log)
    this.#lastId = before.lastId
    for (const { start, lines } of before.traces) {
      this.#traces.set(start.id, new KeptTrace(start, this, lines))
    }
    this.#changed()
  }

  /** Prepares another config. Traces that run keep the time and the number of lines that they were started with. */
  adjust(config: TracerConfig, log: Logger): Change {
    return new Change([replacing(this.config, config), () => this.#log.replace(log)])
  }

  /** Those that are kept, running or ended. */
  get count(): number {
    return this.#traces.size
  }

  start(options: TraceOptions): Trace {
    const filter = checkFilter(options)
    const { seconds, maximumLines } = checkBounds(options, this.config)
    this.#makeRoom()
    this.#lastId += 1
    const startedAtMs = Date.now()
    const endsAtMs = startedAtMs + seconds * 1_000
    const payloads = options.payloads === true
    const trace = new KeptTrace({ id: `${this.#lastId}`, filter, payloads, maximumLines, startedAtMs, endsAtMs }, this)
    this.#traces.set(trace.id, trace)
    this.counters.started += 1
    this.#changed()
    const what = payloads ? ', with payloads' : ''
    this.#log.info(
      { trace: trace.id, ...filter, payloads, seconds },
      `Trace ${trace.id} started: ${filterText(filter)}, for ${seconds} s${what}`,
    )
    return trace
  }

  traces(): readonly Trace[] {
    return [...this.#traces.values()]
  }

  find(id: string): Trace | undefined {
    return this.#traces.get(id)
  }

  delete(id: string): boolean {
    this.#traces.get(id)?.forget()
    return this.#traces.delete(id)
  }

  onLine(listener: LineListener): () => void {
    // The same function may be given twice.
    const own: LineListener = (line, trace) => listener(line, trace)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  added(line: TraceLine, trace: KeptTrace): void {
    this.counters.lines += 1
    for (const listener of this.#listeners) {
      try {
        listener(line, trace)
      } catch (error) {
        this.#listeners.delete(listener)
        this.#log.error({ err: error, trace: trace.id }, 'A listener of traces failed and is not called again')
      }
    }
  }

  missed({ id }: KeptTrace, count: number): void {
    this.counters.missed += count
    if (this.#loggedMissed.has(id)) return
    this.#loggedMissed.add(id)
    const { maximumLinesPerSecond } = this.config
    this.#log.warn(
      { trace: id, maximumLinesPerSecond },
      `Trace ${id} misses packets: there are more than ${maximumLinesPerSecond} in a second`,
    )
  }

  stopped({ id, count, missed }: KeptTrace, byItself: boolean): void {
    this.#loggedMissed.delete(id)
    this.#changed()
    if (this.#isSuspended) return
    const why = byItself ? 'its time was over' : 'it was stopped'
    this.#log.info({ trace: id, lines: count, missed }, `Trace ${id} ended, since ${why}: ${count} lines`)
  }

  /** Ends all traces, for a successor. */
  suspend(): SuspendedTraces {
    const traces = [...this.#traces.values()]
      .filter(({ isRunning }) => isRunning)
      .map((trace) => {
        const { id, filter, payloads, maximumLines, startedAtMs, endsAtMs } = trace
        const start = { id, filter: { ...filter }, payloads, maximumLines, startedAtMs, endsAtMs }
        return { start, lines: trace.lines() }
      })
    this.#isSuspended = true
    this.stop()
    return { lastId: this.#lastId, traces }
  }

  /** Ends all traces. */
  stop(): void {
    for (const trace of this.#traces.values()) trace.stop()
    this.#listeners.clear()
  }

  /** Forgets the oldest trace that has ended, if there are as many as may be. */
  #makeRoom(): void {
    const { maximumTraces } = this.config
    if (this.#traces.size < maximumTraces) return
    const ended = [...this.#traces.values()].find(({ isRunning }) => !isRunning)
    if (ended === undefined) {
      this.counters.refused += 1
      throw new RangeError(`${this.#traces.size} traces run, and no more may: stop one, or raise maximumTraces.`)
    }
    ended.forget()
    this.#traces.delete(ended.id)
  }

  #changed(): void {
    const running = [...this.#traces.values()].filter(({ isRunning }) => isRunning)
    this.running = running.length === 0 ? undefined : running
  }
}

/** What goes to the successor at a reset, as plain data. */
export interface SuspendedTraces {
  readonly lastId: number
  readonly traces: readonly {
    readonly start: ConstructorParameters<typeof KeptTrace>[0]
    readonly lines: readonly TraceLine[]
  }[]
}

const filterText = (filter: TraceFilter): string =>
  Object.entries(filter)
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
    .join(', ')
