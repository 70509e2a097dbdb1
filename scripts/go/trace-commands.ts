/** The commands that follow the packets of clients. */

import type { Trace, TraceFilter, TraceOptions } from '../../src/kinds/tracer.ts'
import type { Dev } from '../../src/system/dev.ts'
import { nameText } from './broker-texts.ts'
import { type Command, shownAs, UsageError } from './command.ts'
import { counted, duration } from './quantities.ts'
import { tracerOf } from './running.ts'
import { type Cell, table } from './table.ts'
import type { TracePrinter } from './trace-printer.ts'

const usage =
  "trace takes a Client Identifier or what to follow: trace('kitchen'), trace({ topic: 'a/#', seconds: 60 })"

export const traceCommands = (dev: Dev, printer: TracePrinter): Readonly<Record<string, Command>> => ({
  trace: {
    usage: "trace('id')",
    help: 'prints the packets of a client in both directions, until untrace() or Ctrl-C; trace() lists the traces',
    more: [
      "trace({ clientId, userName, address, topic })  follows what fits all that is given: trace({ topic: 'a/#' })",
      "trace('id', { payloads: true, seconds: 60, file: 'kitchen.jsonl' })  with payloads, for a minute, into a file",
      'Tracing continues after a reset. At most 50 packets are printed in a second; a file has all that the trace keeps.',
    ],
    call: (what?: unknown, options?: unknown) =>
      what === undefined ? traces(dev) : start(dev, printer, what, options),
  },
  untrace: {
    usage: 'untrace()',
    help: 'stops what trace() began',
    call: () => shownAs({}, endTraces(printer) ?? 'Nothing was traced.'),
  },
})

/** Stops all traces of the prompt. @returns what to print; undefined when nothing was traced. */
export const endTraces = (printer: TracePrinter): string | undefined => {
  const ids = printer.end()
  return ids.length === 0 ? undefined : `Stopped ${counted(ids.length, 'trace')}.`
}

const start = (dev: Dev, printer: TracePrinter, what: unknown, more: unknown = {}): Trace => {
  const followed = typeof what === 'string' ? { clientId: what } : what
  if (![followed, more].every((each) => typeof each === 'object' && each !== null)) throw new UsageError(usage)
  const { file, ...options } = { ...(followed as object), ...(more as object) } as TraceOptions & { file?: unknown }
  if (file !== undefined && (typeof file !== 'string' || file === '')) {
    throw new UsageError("the file of a trace is a path: trace('kitchen', { file: 'kitchen.jsonl' })")
  }
  const tracer = tracerOf(dev)
  const trace = explained(() => tracer.start(options))
  printer.begin(tracer, trace, file)
  const until = duration(trace.endsAtMs - trace.startedAtMs)
  const where = file === undefined ? '' : `, into ${file}`
  return shownAs(trace, `Tracing ${filterText(trace.filter)} for ${until}${where}; untrace() or Ctrl-C stops it.`)
}

const traces = (dev: Dev): Trace[] => {
  const list = [...tracerOf(dev).traces()]
  return shownAs(list, (colors) => tracesText(list, Date.now(), colors))
}

const tracesText = (list: readonly Trace[], nowMs: number, colors: boolean): string => {
  if (list.length === 0) return 'There are no traces.'
  const rows = list.map(({ id, filter, isRunning, endsAtMs, count, missed }): Cell[] => [
    { text: id, style: 'cyan' },
    filterText(filter),
    isRunning ? `for ${duration(Math.max(0, endsAtMs - nowMs))}` : 'ended',
    String(count),
    String(missed),
  ])
  return [...table(rows, colors, ['trace', 'follows', 'runs', 'lines', 'missed']), counted(list.length, 'trace')].join(
    '\n',
  )
}

const filterText = (filter: TraceFilter): string =>
  Object.entries(filter)
    .map(([name, value]) => `${name} ${nameText(String(value))}`)
    .join(', ')

/** The tracer's message about what cannot be followed is the whole error. */
const explained = <T>(action: () => T): T => {
  try {
    return action()
  } catch (error) {
    const { name, message } = error as Error
    if (name !== 'TypeError' && name !== 'RangeError') throw error
    throw new UsageError(message, { cause: error })
  }
}
