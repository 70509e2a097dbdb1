import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { UNKNOWN_PEER } from '../kinds/peer.ts'
import { Handshakes } from './handshakes.ts'

describe('handshakes', () => {
  const log = new RecordingLogger()
  let handshakes: Handshakes
  beforeEach(() => {
    vi.useFakeTimers()
    log.lines.length = 0
    handshakes = new Handshakes({ maximumHandshakes: 2, handshakeDeadlineMs: 1_000 }, log)
  })
  afterEach(() => {
    vi.useRealTimers()
  })
  const begin = (address = '') => {
    const stream = new PassThrough()
    return { stream, handshake: handshakes.begin(stream, { ...UNKNOWN_PEER, address }) }
  }
  const none = { deadline: 0, closed: 0, protocol: 0, certificate: 0 }

  it('that succeed are counted, and their streams are not touched', () => {
    const { stream, handshake } = begin()
    expect([handshakes.counters.underWay, handshake!.succeed(), handshake!.succeed()]).toEqual([1, true, false])
    vi.advanceTimersByTime(10_000)
    stream.emit('close')
    handshake!.fail('protocol', 'too late')
    expect([stream.destroyed, vi.getTimerCount()]).toEqual([false, 0])
    expect(handshakes.counters).toEqual({ underWay: 0, completed: 1, refused: 0, failed: none })
  })

  it('that take too long fail', () => {
    const { stream, handshake } = begin()
    vi.advanceTimersByTime(999)
    expect(stream.destroyed).toBe(false)
    vi.advanceTimersByTime(1)
    expect([stream.destroyed, handshake!.isOver, handshake!.succeed()]).toEqual([true, true, false])
    expect(handshakes.counters).toMatchObject({ underWay: 0, completed: 0, failed: { ...none, deadline: 1 } })
  })

  it('beyond the bound are refused until there is room', () => {
    const [first] = [begin(), begin()]
    const third = begin()
    expect([third.handshake, third.stream.destroyed, handshakes.counters.refused]).toEqual([undefined, true, 1])
    first.handshake!.fail('protocol', 'it was wrong')
    expect(begin().handshake).toBeDefined()
    handshakes.stop()
  })

  it('of an address that has most of them give way to those of others, the oldest first', () => {
    handshakes = new Handshakes({ maximumHandshakes: 4, handshakeDeadlineMs: 1_000 }, log)
    // One network of IPv6 is one address.
    const flood = [1, 2, 3, 4].map((n) => begin(`2001:db8::${n}`))
    expect(begin('2001:db8::5').handshake).toBeUndefined()
    const others = [begin('192.0.2.7'), begin('192.0.2.8')]
    const isOver = (all: typeof flood) => all.map(({ handshake }) => handshake!.isOver)
    expect([isOver(flood), isOver(others)]).toEqual([
      [true, true, false, false],
      [false, false],
    ])
    expect(flood.map(({ stream }) => stream.destroyed)).toEqual([true, true, false, false])
    // Two and one: each has as many as the other would have.
    expect(begin('192.0.2.7').handshake).toBeUndefined()
    expect(handshakes.counters).toEqual({ underWay: 4, completed: 0, refused: 4, failed: none })
    for (const { handshake } of [...flood, ...others]) handshake!.succeed()
    expect(handshakes.counters).toMatchObject({ underWay: 0, completed: 4 })
    expect([1, 2, 3, 4].map(() => begin('192.0.2.7').handshake !== undefined)).toEqual([true, true, true, true])
    handshakes.stop()
  })

  it('are not counted as failures when the listener stops', () => {
    const { stream } = begin()
    handshakes.stop()
    expect([stream.destroyed, handshakes.counters.underWay, vi.getTimerCount()]).toEqual([true, 0, 0])
    expect(handshakes.counters.failed).toEqual(none)
  })

  it('survive an error of their stream', () => {
    const { stream } = begin()
    stream.emit('error', new Error('reset'))
    handshakes.stop()
  })

  it('that fail in large numbers are logged once in an interval', () => {
    for (let count = 0; count < 1_000; count += 1) begin().handshake!.fail('protocol', 'it was wrong')
    expect(log.lines).toMatchObject([
      { level: 'warn', failure: 'protocol', message: expect.stringContaining('it was wrong') },
    ])
    expect(handshakes.counters.failed.protocol).toBe(1_000)
  })
})
