import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { RunningTrace, TracedPacket, TraceLine } from '../../src/kinds/tracer.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { peerAt } from '../../test/helpers/peer-at.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { tracerConfig } from './config.ts'
import { readHandover } from './handover.ts'
import { tracer as component } from './index.ts'
import { LocalTracer } from './local-tracer.ts'

let log: RecordingLogger
let tracer: LocalTracer
const create = (config: object = {}): LocalTracer => {
  tracer = new LocalTracer(tracerConfig.parse(config), log)
  return tracer
}
beforeEach(() => {
  vi.useFakeTimers()
  log = new RecordingLogger()
})
afterEach(() => {
  tracer.stop()
  vi.useRealTimers()
})

const packet = (more: Partial<TracedPacket> = {}): TracedPacket => ({
  direction: 'received',
  clientId: 'kitchen',
  connectionId: 3,
  peer: peerAt('192.0.2.7:5123'),
  packet: 'PUBLISH',
  fields: { cmd: 'publish', topic: 'a/b', qos: 1, retain: false, dup: true },
  ...more,
})
const add = (trace: { id: string }, packets: readonly TracedPacket[] = [packet()]): void => {
  const running = tracer.running!.find(({ id }) => id === trace.id) as RunningTrace
  for (const each of packets) if (running.mayAdd()) running.add(each)
}

it('keeps what it is shown, as fields and as text, and tells its listeners', () => {
  const trace = create().start({ clientId: 'kitchen' })
  const heard: string[] = []
  const end = tracer.onLine(({ text }, { id }) => heard.push(`${id}: ${text}`))
  add(trace, [packet(), packet({ direction: 'sent', packet: 'PUBACK', fields: { messageId: 1 } })])
  end()
  add(trace)
  const { connection, direction, number, packet: name, fields } = trace.lines()[0]!
  expect({ connection, direction, number, name, topic: fields['topic'] }).toEqual({
    ...{ connection: '#3 192.0.2.7:5123', direction: 'received', number: 1, name: 'PUBLISH', topic: 'a/b' },
  })
  expect(heard).toEqual(['1: kitchen → PUBLISH topic=a/b qos=1 dup', '1: kitchen ← PUBACK messageId=1'])
  expect(trace.lines(1, 1).map((line) => line.number)).toEqual([2])
})

it('has no payload unless it is asked for, and then only the start of it', () => {
  create({ maximumPayloadBytes: 5 })
  const [without, withPayloads] = [tracer.start({ topic: '#' }), tracer.start({ topic: '#', payloads: true })]
  const payloads = ['secret', 'abcdé', 'ab', Buffer.from([0xff, 0])].map((each) => Buffer.from(each))
  for (const trace of [without, withPayloads])
    add(
      trace,
      payloads.map((payload) => packet({ payload })),
    )
  expect(JSON.stringify(without.lines())).not.toMatch(/payload|secret/)
  expect(withPayloads.lines().map(({ payload }) => payload)).toEqual([
    { base64: Buffer.from('secre').toString('base64'), text: 'secre', isCut: true },
    { base64: Buffer.from('abcdé').subarray(0, 5).toString('base64'), text: 'abcd', isCut: true },
    { base64: 'YWI=', text: 'ab', isCut: false },
    { base64: '/wA=', isCut: false },
  ])
  expect(withPayloads.lines().map(({ text }) => text.split(' payload=')[1])).toEqual([
    '"secre"…',
    '"abcd"…',
    '"ab"',
    'base64:/wA=',
  ])
})

it('a text of a client cannot look like a line or another field, or control a terminal', () => {
  const trace = create().start({ clientId: 'x' })
  add(trace, [packet({ clientId: 'x\n2 → PUBLISH', fields: { topic: 'a qos=2 \u001b[31m\u202e\u0085' } })])
  expect(trace.lines()[0]!.text).toBe('"x\\n2 → PUBLISH" → PUBLISH topic="a qos=2 \\u001b[31m\\u202e\\u0085"')
  // A tag, which is not seen, is a pair of surrogates.
  add(trace, [packet({ clientId: 'x'.repeat(60_000), fields: { topic: 'a\u{e0041}' } })])
  expect(trace.lines()[1]!.text).toBe(`${'x'.repeat(256)}… → PUBLISH topic="a\\u{e0041}"`)
})

it('keeps the last lines, by their number and by their size', () => {
  create({ maximumBytes: 4_000, maximumLines: 100 })
  const few = tracer.start({ clientId: 'a', maximumLines: 3 })
  add(
    few,
    Array.from({ length: 5 }, () => packet()),
  )
  expect(few.lines().map(({ number }) => number)).toEqual([3, 4, 5])
  expect(few.count).toBe(5)
  const large = tracer.start({ clientId: 'a', maximumLines: 100 })
  add(
    large,
    Array.from({ length: 20 }, () => packet({ fields: { topic: 'x'.repeat(200) } })),
  )
  const kept = large.lines().map(({ number }) => number)
  expect(kept.length).toBeGreaterThan(1)
  expect(kept.length).toBeLessThan(5)
  expect(kept.at(-1)).toBe(20)
})

it('counts packets over its lines in a second, and logs the first', () => {
  const trace = create({ maximumLinesPerSecond: 2 }).start({ clientId: 'a' })
  add(
    trace,
    Array.from({ length: 5 }, () => packet()),
  )
  expect([trace.count, trace.missed, tracer.counters.missed]).toEqual([2, 3, 3])
  expect(log.at('warn')).toHaveLength(1)
  vi.advanceTimersByTime(1_000)
  add(trace)
  expect(trace.count).toBe(3)
})

it('ends after its time, and when it is stopped; its lines stay until it is deleted', () => {
  create()
  const [timed, stopped] = [tracer.start({ clientId: 'a', seconds: 60 }), tracer.start({ clientId: 'b' })]
  const both = tracer.running
  expect(both).toHaveLength(2)
  add(stopped)
  stopped.stop()
  expect(tracer.running).not.toBe(both)
  vi.advanceTimersByTime(60_000)
  expect([timed.isRunning, stopped.isRunning, tracer.running]).toEqual([false, false, undefined])
  expect(stopped.lines()).toHaveLength(1)
  expect([
    tracer.find(stopped.id),
    tracer.delete(stopped.id),
    tracer.find(stopped.id),
    tracer.delete(stopped.id),
  ]).toEqual([...[stopped, true, undefined, false]])
  // A connection may know the trace for as long as it is idle.
  expect([stopped.lines(), stopped.count]).toEqual([[], 1])
  expect(log.at('info').map(({ message }) => message)).toEqual([
    'Trace 1 started: clientId "a", for 60 s',
    'Trace 2 started: clientId "b", for 300 s',
    'Trace 2 ended, since it was stopped: 1 lines',
    'Trace 1 ended, since its time was over: 0 lines',
  ])
})

it('has a bound for the number of traces: those that have ended make room', () => {
  create({ maximumTraces: 2 })
  const first = tracer.start({ clientId: 'a' })
  tracer.start({ clientId: 'b' })
  expect(() => tracer.start({ clientId: 'c' })).toThrow(RangeError)
  expect(tracer.counters.refused).toBe(1)
  first.stop()
  tracer.start({ clientId: 'c' })
  expect(tracer.traces().map(({ filter }) => filter.clientId)).toEqual(['b', 'c'])
})

it.each([
  [{}, TypeError],
  [{ clientId: '' }, TypeError],
  [{ clientId: 5 }, TypeError],
  [{ topic: 'a/#/b' }, TypeError],
  [{ topic: '$share/a/b' }, TypeError],
  [{ clientId: 'a', seconds: 3_601 }, RangeError],
  [{ clientId: 'a', seconds: 0 }, RangeError],
  [{ clientId: 'a', seconds: Number.NaN }, RangeError],
  [{ clientId: 'a', maximumLines: 5_001 }, RangeError],
])('refuses %o', (options, error) => {
  create()
  expect(() => tracer.start(options as object)).toThrow(error)
  expect(tracer.traces()).toEqual([])
})

it('a listener that throws is logged and not called again; others are', () => {
  const trace = create().start({ clientId: 'a' })
  const lines: TraceLine[] = []
  const failing = vi.fn(() => {
    throw new Error('broken')
  })
  tracer.onLine(failing)
  tracer.onLine((line) => lines.push(line))
  add(trace, [packet(), packet()])
  expect(failing).toHaveBeenCalledOnce()
  expect(lines).toHaveLength(2)
  expect(log.at('error')).toHaveLength(1)
})

it('traces that run continue after a reset, with their lines, number and time', async () => {
  const trace = create().start({ userName: 'bob', seconds: 60, payloads: true })
  tracer.start({ clientId: 'ended' }).stop()
  add(trace)
  vi.advanceTimersByTime(20_000)
  const suspended = structuredClone(component.suspend!(tracer, lifecycleContext('tracer')))
  expect(tracer.running).toBeUndefined()
  const config = tracerConfig.parse({})
  tracer = (await component.resume!(config, { logger: log }, suspended, lifecycleContext('tracer'))) as LocalTracer
  const [again] = tracer.traces()
  expect(tracer.traces()).toHaveLength(1)
  expect(again).toMatchObject({ id: '1', filter: { userName: 'bob' }, payloads: true, count: 1, isRunning: true })
  add(again!)
  expect(again!.lines().map(({ number }) => number)).toEqual([1, 2])
  expect(tracer.start({ clientId: 'next' }).id).toBe('3')
  vi.advanceTimersByTime(40_000)
  expect(again!.isRunning).toBe(false)
  expect(log.at('info').filter(({ message }) => message.includes('Trace 1 ended'))).toHaveLength(1)
})

it.each([undefined, {}, { lastId: 1, traces: [{}] }, { lastId: 1, traces: [{ start: { id: 'a' }, lines: ['x'] }] }])(
  'starts without traces after a predecessor that left %o',
  (left) => {
    create()
    expect(readHandover(left)).toBeUndefined()
  },
)
