import type { Trace, TraceLine, TraceOptions } from '../../src/kinds/tracer.ts'

/** A tracer that keeps what a test adds. */
export class TestTracer {
  readonly kept: (Trace & { readonly added: TraceLine[] })[] = []
  readonly #listeners = new Set<(line: TraceLine, trace: Trace) => void>()
  readonly running = undefined

  start({ seconds = 60, payloads = false, maximumLines: _, ...filter }: TraceOptions): Trace {
    if (Object.keys(filter).length === 0)
      throw new TypeError('A trace follows a client, a user, an address or a topic.')
    if (this.kept.length === 2) throw new RangeError('There are 2 traces, as many as maximumTraces allows.')
    const added: TraceLine[] = []
    const trace = {
      ...{ id: String(this.kept.length + 1), filter, payloads, added, startedAtMs: 1, endsAtMs: 1 + seconds * 1_000 },
      ...{ isRunning: true, missed: 0, stop: () => undefined },
      get count() {
        return added.length
      },
      lines: (after = 0, limit = Number.POSITIVE_INFINITY) =>
        added.filter(({ number }) => number > after).slice(0, limit),
    }
    this.kept.push(trace)
    return trace
  }

  add(id: string, text: string): void {
    const trace = this.find(id)!
    const line = {
      number: trace.count + 1,
      atMs: 5,
      direction: 'sent',
      clientId: 'a',
      connection: '#1',
      packet: 'PUBLISH',
    } as const
    trace.added.push({ ...line, fields: { qos: 1 }, text })
    for (const listener of this.#listeners) listener(trace.added.at(-1)!, trace)
  }

  traces() {
    return this.kept
  }

  find(id: string) {
    return this.kept.find((trace) => trace.id === id)
  }

  delete(id: string): boolean {
    const index = this.kept.findIndex((trace) => trace.id === id)
    if (index >= 0) this.kept.splice(index, 1)
    return index >= 0
  }

  onLine(listener: (line: TraceLine, trace: Trace) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  get listeners(): number {
    return this.#listeners.size
  }
}
