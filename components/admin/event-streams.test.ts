import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { EventStreams } from './event-streams.ts'
import type { KnownToken } from './tokens.ts'

const ADMIN = { name: 'admin', readOnly: false }
const OPS = { name: 'ops', readOnly: false }
const VIEWER = { name: 'viewer', readOnly: true }
const OTHER_VIEWER = { name: 'other viewer', readOnly: true }

const opened = (streams: EventStreams, token: KnownToken, events: string[], signal = new AbortController().signal) => {
  const stream = streams.open(token, new Set(events), signal)
  if (typeof stream === 'string') throw new Error(`No stream was opened: ${stream}`)
  return stream
}
const open = (streams: EventStreams, events = ['overview'], signal?: AbortSignal) =>
  opened(streams, ADMIN, events, signal).pipeThrough(new TextDecoderStream()).getReader()
/** Opens a stream that is not read. */
const result = (streams: EventStreams, token: KnownToken, signal = new AbortController().signal) => {
  const stream = streams.open(token, new Set(['log']), signal)
  return typeof stream === 'string' ? stream : 'opened'
}

it('sends the events of a turn in one piece, each to the streams that get it', async () => {
  const streams = new EventStreams(4, 20_000, () => undefined)
  const [log, both] = [open(streams, ['log']), open(streams, ['log', 'overview'])]
  streams.send('overview', '{"a":1}')
  streams.send('log', '{"b":2}')
  expect(await log.read()).toMatchObject({ value: ': open\n\n' })
  expect(await log.read()).toMatchObject({ value: 'event: log\ndata: {"b":2}\n\n' })
  await both.read()
  expect(await both.read()).toMatchObject({
    value: 'event: overview\ndata: {"a":1}\n\nevent: log\ndata: {"b":2}\n\n',
  })
  expect([streams.wants('log'), streams.wants('trace')]).toEqual([true, false])
})

describe('a piece that follows another one', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())

  /** A stream that has just been sent a piece. */
  const begun = async () => {
    const streams = new EventStreams(4, 100_000, () => undefined)
    const reader = open(streams, ['trace'])
    await reader.read()
    streams.send('trace', '0')
    await reader.read()
    return { streams, reader }
  }
  const textOf = (json: string) => `event: trace\ndata: ${json}\n\n`

  it('has the events of a tenth of a second', async () => {
    const { streams, reader } = await begun()
    streams.send('trace', '1')
    await setImmediate()
    streams.send('trace', '2')
    vi.advanceTimersByTime(100)
    expect(await reader.read()).toMatchObject({ value: textOf('1') + textOf('2') })
  })

  it('is sent at the end of the turn if it is large', async () => {
    const { streams, reader } = await begun()
    const large = JSON.stringify('x'.repeat(16 * 1024))
    streams.send('trace', large)
    expect(await reader.read()).toMatchObject({ value: textOf(large) })
  })

  it('is sent at the end of the turn if nothing waited meanwhile', async () => {
    const { streams, reader } = await begun()
    vi.advanceTimersByTime(100)
    streams.send('trace', '1')
    expect(await reader.read()).toMatchObject({ value: textOf('1') })
  })

  it('is sent before the streams end, and nothing waits after that', async () => {
    const { streams, reader } = await begun()
    streams.send('trace', '1')
    streams.endAll()
    expect(await reader.read()).toMatchObject({ value: textOf('1') })
    expect(await reader.read()).toMatchObject({ done: true })
    expect(vi.getTimerCount()).toBe(0)
  })
})

it('says when the first one opens and the last one has closed', () => {
  const used: boolean[] = []
  const streams = new EventStreams(4, 20_000, (isUsed) => used.push(isUsed))
  const aborts = [new AbortController(), new AbortController()]
  for (const { signal } of aborts) open(streams, ['log'], signal)
  expect([streams.count, used]).toEqual([2, [true]])
  aborts[0]!.abort()
  aborts[1]!.abort()
  expect([streams.count, used]).toEqual([0, [true, false]])
})

it('closes a stream whose client does not read, and no other', async () => {
  const streams = new EventStreams(4, 160_000, () => undefined)
  const slow = opened(streams, ADMIN, ['log'])
  const quick = opened(streams, ADMIN, ['log']).getReader()
  for (let count = 0; count < 10; count += 1) {
    streams.send('log', JSON.stringify('x'.repeat(40_000)))
    while ((await quick.read()).value!.length < 40_000);
  }
  expect([streams.count, streams.counters]).toEqual([1, { opened: 2, refused: { share: 0, full: 0 }, cutOff: 1 }])
  let bytes = 0
  for await (const part of slow) bytes += part.length
  expect(bytes).toBeLessThanOrEqual(160_000)
})

it('ends all streams when it stops', async () => {
  const streams = new EventStreams(4, 20_000, () => undefined)
  const reader = open(streams)
  streams.stop()
  await reader.read()
  expect(await reader.read()).toEqual({ done: true, value: undefined })
  expect(streams.count).toBe(0)
  expect(result(streams, ADMIN)).toBe('full')
})

describe('the share of a token', () => {
  it('is half of the streams, and is given back when one closes', () => {
    const streams = new EventStreams(8, 20_000, () => undefined)
    const first = new AbortController()
    const results = [result(streams, VIEWER, first.signal)]
    for (let count = 0; count < 4; count += 1) results.push(result(streams, VIEWER))
    expect(results).toEqual(['opened', 'opened', 'opened', 'opened', 'share'])
    first.abort()
    expect([result(streams, VIEWER), result(streams, VIEWER)]).toEqual(['opened', 'share'])
    expect(streams.counters).toEqual({ opened: 5, refused: { share: 2, full: 0 }, cutOff: 0 })
  })

  it('leaves a quarter to the first streams of tokens that may change something', () => {
    const streams = new EventStreams(8, 20_000, () => undefined)
    const count = (token: KnownToken) => {
      const results: string[] = []
      do results.push(result(streams, token))
      while (results.at(-1) === 'opened')
      return [results.length - 1, results.at(-1)]
    }
    expect([count(VIEWER), count(OTHER_VIEWER)]).toEqual([
      [4, 'share'],
      [2, 'full'],
    ])
    expect([count(ADMIN), count(OPS)]).toEqual([
      [1, 'full'],
      [1, 'full'],
    ])
    expect(streams.count).toBe(8)
  })

  it('is one stream of two, and the other one is for a token that may change something', () => {
    const streams = new EventStreams(2, 20_000, () => undefined)
    const tokens = [VIEWER, VIEWER, OTHER_VIEWER, ADMIN, OPS]
    expect(tokens.map((token) => result(streams, token))).toEqual(['opened', 'share', 'full', 'opened', 'full'])
  })
})

it('a stream whose client has gone before it is opened is closed at once', async () => {
  const streams = new EventStreams(4, 20_000, () => undefined)
  opened(streams, ADMIN, ['log'], AbortSignal.abort())
  expect(streams.count).toBe(0)
})

it('sends comments to all streams', async () => {
  const streams = new EventStreams(4, 20_000, () => undefined)
  const reader = open(streams, ['trace'])
  streams.sendComment()
  await reader.read()
  expect(await reader.read()).toMatchObject({ value: ':\n\n' })
  await reader.cancel()
  expect(streams.count).toBe(0)
})
