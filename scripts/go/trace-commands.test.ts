import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { tracer as tracerComponent } from '../../components/tracer/index.ts'
import type { RunningTrace, Tracer } from '../../src/kinds/tracer.ts'
import { createDev, type Dev } from '../../src/system/dev.ts'
import { eventually } from '../../test/helpers/eventually.ts'
import { peerAt } from '../../test/helpers/peer-at.ts'
import { quietSystem } from '../../test/helpers/start-broker.ts'
import { findTracer } from './running.ts'
import { endTraces, traceCommands } from './trace-commands.ts'
import { TracePrinter } from './trace-printer.ts'

let dev: Dev
let printed: string[]
let printer: TracePrinter
let hasTracer: boolean
beforeEach(() => {
  printed = []
  hasTracer = true
  printer = new TracePrinter((text) => printed.push(text))
  const { logger } = quietSystem
  const load = async () => ({
    config: {
      logger,
      ...(hasTracer && { follows: { component: tracerComponent, dependencies: { logger: 'logger' } } }),
    },
    changed: [],
  })
  dev = createDev({ load, onReplace: () => undefined })
})
afterEach(async () => {
  printer.end()
  await dev.close()
})

const call = (name: 'trace' | 'untrace', ...args: unknown[]): object =>
  (traceCommands(dev, printer)[name] as unknown as { call: (...args: unknown[]) => object }).call(...args)
const shown = (name: 'trace' | 'untrace', ...args: unknown[]): string => inspect(call(name, ...args))
const tracer = (): Tracer => findTracer(dev)!
/** A packet for every trace that runs. */
const pass = (packet: string): void => {
  for (const trace of tracer().running as readonly RunningTrace[]) {
    const who = { clientId: 'kitchen', connectionId: 1, peer: peerAt('127.0.0.1:5') }
    if (trace.mayAdd()) trace.add({ ...who, direction: 'received', packet, fields: {} })
  }
}

test('trace() prints packets until untrace(), also after a reset', async () => {
  await dev.go()
  tracer().start({ clientId: 'of somebody else' })
  expect(shown('trace', 'kitchen', { seconds: 60 })).toBe(
    'Tracing clientId kitchen for 1 min; untrace() or Ctrl-C stops it.',
  )
  pass('PINGREQ')
  await dev.reset()
  printer.renew(tracer())
  pass('PUBLISH')
  expect(printed.map((line) => line.replace(/^[\d:.]+ /, ''))).toEqual(['kitchen → PINGREQ', 'kitchen → PUBLISH'])
  expect(shown('trace')).toMatch(/trace.*follows.*\n.*1.*of somebody else.*\n.*2.*clientId kitchen.*\n2 traces/)
  expect(shown('untrace')).toBe('Stopped 1 trace.')
  expect(tracer().running).toHaveLength(1)
  pass('PUBACK')
  expect(printed).toHaveLength(2)
  expect(endTraces(printer)).toBeUndefined()
})

test('with a file, each line is JSON in it', async () => {
  await dev.go()
  const directory = mkdtempSync(join(tmpdir(), 'trace-'))
  const file = join(directory, 'a.jsonl')
  call('trace', { userName: 'bob' }, { file })
  pass('PINGREQ')
  pass('PUBLISH')
  call('untrace')
  const lines = await eventually(() => {
    const read = readFileSync(file, 'utf8').trimEnd().split('\n')
    expect(read).toHaveLength(2)
    return read
  })
  expect(JSON.parse(lines[1]!)).toMatchObject({ trace: '1', number: 2, packet: 'PUBLISH', clientId: 'kitchen' })
  expect(printed).toEqual([])
  rmSync(directory, { recursive: true })
})

test('a file that cannot be written is said', async () => {
  await dev.go()
  call('trace', 'a', { file: join(tmpdir(), 'no-such-directory', 'a.jsonl') })
  await eventually(() => expect(printed[0]).toMatch(/^The trace could not be written to .*ENOENT/))
})

test('says what is wrong', async () => {
  expect(() => call('trace', 'a')).toThrow('nothing is running: go() starts the system')
  await dev.go()
  expect(() => call('trace', 5)).toThrow('trace takes a Client Identifier')
  expect(() => call('trace', {})).toThrow('A trace follows a clientId')
  expect(() => call('trace', 'a', { file: 5 })).toThrow('the file of a trace is a path')
  expect(() => call('trace', 'a', { seconds: 1e9 })).toThrow('The seconds of a trace are at most')
  expect(shown('trace')).toBe('There are no traces.')
  await dev.stop()
  hasTracer = false
  await dev.reset()
  expect(() => call('trace', 'a')).toThrow('this system has no tracer')
})
