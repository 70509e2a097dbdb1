import { describe, expect, it } from 'vitest'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { newCounters } from './counters.ts'
import { SlowReaders } from './slow-readers.ts'

const reader = (pendingBytes: number, takenAgoMs: number) => {
  const self = {
    pendingBytes,
    lastTakenMs: performance.now() - takenAgoMs,
    isCutOff: false,
    cutOff: () => {
      self.isCutOff = true
    },
  }
  return self
}

it('the relief from slow readers first cuts off connections that took nothing, then those with the most pending bytes, as far as needed', () => {
  const log = new RecordingLogger()
  const idle = reader(0, 100_000)
  const [stalled, large, small] = [reader(10, 100_000), reader(100, 0), reader(50, 0)]
  const all = [idle, small, large, stalled]
  const slowReaders = new SlowReaders(all, 5_000, newCounters(), log)
  slowReaders.relieve(60, 50_000)
  expect(all.map(({ isCutOff }) => isCutOff)).toEqual([false, false, true, true])
})

describe('the relief at once', () => {
  const relieved = (bytes: number, ...all: ReturnType<typeof reader>[]) => {
    const log = new RecordingLogger()
    const counters = newCounters()
    const slowReaders = new SlowReaders(all, 5_000, counters, log)
    slowReaders.relieveAtOnce(bytes)
    const isCutOff = all.map((each) => each.isCutOff)
    expect(counters.slowReaders).toBe(isCutOff.filter((each) => each).length)
    return { isCutOff, log }
  }

  it('cuts off peers that have taken nothing for long, the longest time first, as far as needed', () => {
    const all = [reader(50, 10_000), reader(50, 30_000), reader(50, 20_000), reader(1_000, 0)]
    expect(relieved(60, ...all).isCutOff).toEqual([false, true, true, false])
  })

  it('keeps peers that have taken something lately, however many bytes wait for them', () => {
    const { isCutOff, log } = relieved(10_000_000, reader(5_000_000, 4_000), reader(0, 100_000), reader(10, 4_000))
    expect([isCutOff, log.lines]).toEqual([[false, false, false], []])
  })

  it('gives a peer more time for many bytes: it may be in the middle of one large write', () => {
    const mebibyte = 1_048_576
    const all = [reader(mebibyte, 20_000), reader(mebibyte, 22_000)]
    expect(relieved(10 * mebibyte, ...all).isCutOff).toEqual([false, true])
  })
})

it('counts them, and logs at most one line in an interval', () => {
  const log = new RecordingLogger()
  const counters = newCounters()
  const slowReaders = new SlowReaders([reader(10, 0), reader(20, 0)], 5_000, counters, log)
  slowReaders.relieve(30, 5_000)
  slowReaders.relieve(30, 2_500)
  expect(counters.slowReaders).toBe(4)
  expect(log.at('warn')).toMatchObject([{ connections: 2, bytes: 30, waitedMs: 5_000 }])
})
