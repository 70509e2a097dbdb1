import { expect, it } from 'vitest'
import { EventStreams } from './event-streams.ts'

const open = (streams: EventStreams, events = ['overview'], signal = new AbortController().signal) =>
  streams.open(new Set(events), signal)?.pipeThrough(new TextDecoderStream()).getReader()

it('sends each event to the streams that get it', async () => {
  const streams = new EventStreams(2, 20_000, () => undefined)
  const [log, both] = [open(streams, ['log'])!, open(streams, ['log', 'overview'])!]
  streams.send('overview', '{"a":1}')
  streams.send('log', '{"b":2}')
  expect(await log.read()).toMatchObject({ value: ': open\n\n' })
  expect(await log.read()).toMatchObject({ value: 'event: log\ndata: {"b":2}\n\n' })
  await both.read()
  expect(await both.read()).toMatchObject({ value: 'event: overview\ndata: {"a":1}\n\n' })
  expect([streams.wants('log'), streams.wants('trace')]).toEqual([true, false])
})

it('says when the first one opens and the last one has closed', () => {
  const used: boolean[] = []
  const streams = new EventStreams(2, 20_000, (isUsed) => used.push(isUsed))
  const aborts = [new AbortController(), new AbortController()]
  for (const { signal } of aborts) open(streams, ['log'], signal)
  expect(open(streams)).toBeUndefined()
  expect([streams.count, used]).toEqual([2, [true]])
  aborts[0]!.abort()
  aborts[1]!.abort()
  expect([streams.count, used]).toEqual([0, [true, false]])
})

it('closes a stream whose client does not read, and no other', async () => {
  const streams = new EventStreams(2, 20_000, () => undefined)
  const slow = streams.open(new Set(['log']), new AbortController().signal)!
  const quick = streams.open(new Set(['log']), new AbortController().signal)!.getReader()
  for (let count = 0; count < 10; count += 1) {
    streams.send('log', JSON.stringify('x'.repeat(5_000)))
    while ((await quick.read()).value!.length < 5_000);
  }
  expect([streams.count, streams.counters]).toEqual([1, { opened: 2, cutOff: 1 }])
  let bytes = 0
  for await (const part of slow) bytes += part.length
  expect(bytes).toBeLessThanOrEqual(20_000)
})

it('ends all streams when it stops', async () => {
  const streams = new EventStreams(2, 20_000, () => undefined)
  const reader = open(streams)!
  streams.stop()
  await reader.read()
  expect(await reader.read()).toEqual({ done: true, value: undefined })
  expect(streams.count).toBe(0)
  expect(open(streams)).toBeUndefined()
})
