import { afterEach, describe, expect, it, vi } from 'vitest'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { Buffers } from './buffers.ts'

const waiter = () => {
  const waiting = { wentOn: 0, goOn: () => void waiting.wentOn++ }
  return waiting
}

it('the total of buffers is full from when the mark is passed until half of it is left, and then lets those go on who waited', () => {
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

describe('buffers that stay full', () => {
  const watched = () => {
    vi.useFakeTimers()
    const asked: [number, number][] = []
    const buffers = new Buffers(100, new RecordingLogger(), {
      deadlineMs: 400,
      minimumDeadlineMs: 100,
      relieve: (bytes, waitedMs) => asked.push([bytes, waitedMs]),
    })
    return { buffers, asked }
  }

  it('ask for relief, again and again and sooner each time, and not when there is room', () => {
    const { buffers, asked } = watched()
    buffers.add(150)
    vi.advanceTimersByTime(399)
    expect(asked).toEqual([])
    vi.advanceTimersByTime(401)
    expect(asked).toEqual([
      [100, 400],
      [100, 200],
      [100, 100],
      [100, 100],
    ])
    buffers.add(-100)
    vi.advanceTimersByTime(500)
    buffers.add(150)
    buffers.stop()
    vi.advanceTimersByTime(500)
    expect(asked).toHaveLength(4)
  })

  it('ask sooner when it happens again within a minute, and as late as the first time after that', () => {
    const { buffers, asked } = watched()
    const waits: number[] = []
    for (const pauseMs of [10_000, 10_000, 10_000, 61_000, 0]) {
      buffers.add(150)
      vi.advanceTimersByTime(400)
      const [, waitedMs] = asked.splice(0)[0]!
      waits.push(waitedMs)
      buffers.add(-150)
      vi.advanceTimersByTime(pauseMs)
    }
    expect(waits[0]).toBe(400)
    expect(waits.slice(1, 4).every((waitedMs) => waitedMs <= 200)).toBe(true)
    expect(waits[4]).toBe(400)
  })

  it('do not ask sooner for fullness that ended by itself', () => {
    const { buffers, asked } = watched()
    for (let times = 0; times < 5; times++) {
      buffers.add(150)
      vi.advanceTimersByTime(399)
      buffers.add(-150)
    }
    expect(asked).toEqual([])
    buffers.add(150)
    vi.advanceTimersByTime(400)
    expect(asked).toEqual([[100, 400]])
    buffers.stop()
  })
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
