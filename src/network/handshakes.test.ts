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
  const begin = () => {
    const stream = new PassThrough()
    return { stream, handshake: handshakes.begin(stream, UNKNOWN_PEER) }
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
