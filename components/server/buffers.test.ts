import { afterEach, expect, it, vi } from 'vitest'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { Buffers } from './buffers.ts'

const waiter = () => {
  const waiting = { wentOn: 0, goOn: () => void waiting.wentOn++ }
  return waiting
}

it('is full from when the mark is passed until half of it is left, and then lets those go on who waited', () => {
  const log = new RecordingLogger()
  const buffers = new Buffers(100, log)
  const [first, second] = [waiter(), waiter()]
  buffers.add(100)
  expect([buffers.full, buffers.wait(first)]).toEqual([false, false])
  buffers.add(1)
  expect([buffers.full, buffers.wait(first), buffers.wait(second)]).toEqual([true, true, true])
  buffers.forget(second)
  buffers.add(-50)
  expect([buffers.full, buffers.bytes, first.wentOn]).toEqual([true, 51, 0])
  buffers.add(-1)
  expect([buffers.full, first.wentOn, second.wentOn]).toEqual([false, 1, 0])
  buffers.add(-50)
  expect(first.wentOn).toBe(1)
})

afterEach(() => {
  vi.useRealTimers()
})

it('asks for relief when it stays full, again and again, and not when it does not', () => {
  vi.useFakeTimers()
  const asked: number[] = []
  const buffers = new Buffers(100, new RecordingLogger(), { deadlineMs: 50, relieve: (bytes) => asked.push(bytes) })
  buffers.add(150)
  vi.advanceTimersByTime(49)
  expect(asked).toEqual([])
  vi.advanceTimersByTime(51)
  expect(asked).toEqual([100, 100])
  buffers.add(-100)
  vi.advanceTimersByTime(500)
  buffers.add(150)
  buffers.stop()
  vi.advanceTimersByTime(500)
  expect(asked).toEqual([100, 100])
})

it('warns, but not each time', () => {
  const log = new RecordingLogger()
  const buffers = new Buffers(100, log)
  for (let n = 0; n < 3; n++) {
    buffers.add(101)
    buffers.add(-101)
  }
  expect(log.at('warn')).toMatchObject([{ bytes: 101, maximumTotalPendingBytes: 100 }])
})
