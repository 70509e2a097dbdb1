import { expect, it } from 'vitest'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
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
  const slowReaders = new SlowReaders(all, log)
  slowReaders.relieve(60, 50_000)
  expect(all.map(({ isCutOff }) => isCutOff)).toEqual([false, false, true, true])
})

it('counts them, and logs at most one line in an interval', () => {
  const log = new RecordingLogger()
  const slowReaders = new SlowReaders([reader(10, 0), reader(20, 0)], log)
  slowReaders.relieve(30, 5_000)
  slowReaders.relieve(30, 2_500)
  expect(slowReaders.cutOff).toBe(4)
  expect(log.at('warn')).toMatchObject([{ connections: 2, bytes: 30, waitedMs: 5_000 }])
})
