import { afterEach, describe, expect, it, vi } from 'vitest'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { TotalPendingBytes } from './total-pending-bytes.ts'

const waiter = () => {
  const waiting = { wentOn: 0, goOn: () => void waiting.wentOn++ }
  return waiting
}

it('the total of pending bytes is full from its limit until half of the limit is left, and then resumes those that waited', () => {
  const log = new RecordingLogger()
  const pending = new TotalPendingBytes(100, log)
  const [first, second] = [waiter(), waiter()]
  pending.add(100)
  expect([pending.full, pending.wait(first)]).toEqual([false, false])
  pending.add(1)
  expect([pending.full, pending.wait(first), pending.wait(second)]).toEqual([true, true, true])
  pending.forget(second)
  pending.add(-50)
  expect([pending.full, pending.bytes, first.wentOn]).toEqual([true, 51, 0])
  pending.add(-1)
  expect([pending.full, first.wentOn, second.wentOn]).toEqual([false, 1, 0])
  pending.add(-50)
  expect(first.wentOn).toBe(1)
})

it('a publisher of little work has to wait only beyond one and a half times the limit, and counts anew each time', () => {
  const pending = new TotalPendingBytes(100, new RecordingLogger())
  pending.add(150)
  expect([pending.mustWait(1_000), pending.mustWait(1_001), pending.period]).toEqual([false, true, 1])
  pending.add(1)
  expect(pending.mustWait(1)).toBe(true)
  pending.add(-151)
  pending.add(101)
  expect([pending.mustWait(1_000), pending.period]).toEqual([false, 2])
})

afterEach(() => {
  vi.useRealTimers()
})

describe('pending bytes that stay over their limit', () => {
  const watched = () => {
    vi.useFakeTimers()
    const asked: [number, number][] = []
    const atOnce: number[] = []
    const relief = { atOnce: (): void => undefined }
    const pending = new TotalPendingBytes(100, new RecordingLogger(), {
      deadlineMs: 400,
      minimumDeadlineMs: 100,
      relieve: (bytes, waitedMs) => asked.push([bytes, waitedMs]),
      relieveAtOnce: (bytes) => {
        atOnce.push(bytes)
        relief.atOnce()
      },
    })
    return { pending, asked, atOnce, relief }
  }

  it('ask for relief when the deadline of the object before is over, which has left', () => {
    const [before, after] = [watched(), watched()]
    before.pending.add(150)
    // Those that are cut off at once are looked for first.
    vi.advanceTimersByTime(1)
    vi.advanceTimersByTime(300)
    before.pending.stop()
    after.pending.continueFrom(before.pending.handOver())
    expect(after.pending).toMatchObject({ full: true, bytes: 150, period: 1 })
    vi.advanceTimersByTime(98)
    expect(after.asked).toEqual([])
    vi.advanceTimersByTime(3)
    expect(after.asked).toEqual([[100, 400]])
    expect([before.asked, before.atOnce, after.atOnce]).toEqual([[], [100], []])
  })

  it('ask for relief at the same time when the reset was undone', () => {
    const [before, after] = [watched(), watched()]
    before.pending.add(150)
    vi.advanceTimersByTime(301)
    before.pending.stop()
    after.pending.continueFrom(before.pending.handOver())
    after.pending.stop()
    before.pending.takeBack()
    vi.advanceTimersByTime(101)
    expect([before.asked, after.asked]).toEqual([[[100, 400]], []])
  })

  it('ask for relief repeatedly, each time earlier, until enough bytes were sent', () => {
    const { pending, asked } = watched()
    pending.add(150)
    vi.advanceTimersByTime(399)
    expect(asked).toEqual([])
    vi.advanceTimersByTime(401)
    expect(asked).toEqual([
      [100, 400],
      [100, 200],
      [100, 100],
      [100, 100],
    ])
    pending.add(-100)
    vi.advanceTimersByTime(500)
    pending.add(150)
    pending.stop()
    vi.advanceTimersByTime(500)
    expect(asked).toHaveLength(4)
  })

  it('ask earlier if it happens again within a minute, and after the full deadline later', () => {
    const { pending, asked } = watched()
    const waits: number[] = []
    for (const pauseMs of [10_000, 10_000, 10_000, 61_000, 0]) {
      pending.add(150)
      vi.advanceTimersByTime(400)
      const [, waitedMs] = asked.splice(0)[0]!
      waits.push(waitedMs)
      pending.add(-150)
      vi.advanceTimersByTime(pauseMs)
    }
    expect(waits[0]).toBe(400)
    expect(waits.slice(1, 4).every((waitedMs) => waitedMs <= 200)).toBe(true)
    expect(waits[4]).toBe(400)
  })

  it('ask at once for the end of stalled connections, and publishers do not wait if that is enough', () => {
    const { pending, asked, atOnce, relief } = watched()
    relief.atOnce = () => pending.add(-100)
    const publisher = waiter()
    pending.add(150)
    // The connection that is being written to may be among them.
    expect([pending.wait(publisher), atOnce]).toEqual([true, []])
    vi.advanceTimersByTime(1)
    expect([atOnce, pending.full, publisher.wentOn]).toEqual([[100], false, 1])
    vi.advanceTimersByTime(1_000)
    expect(asked).toEqual([])
  })

  it('wait for the deadline if stalled connections do not hold enough', () => {
    const { pending, asked, atOnce, relief } = watched()
    relief.atOnce = () => pending.add(-10)
    pending.add(150)
    vi.advanceTimersByTime(399)
    expect([atOnce, asked]).toEqual([[100], []])
    vi.advanceTimersByTime(1)
    expect([atOnce, asked]).toEqual([[100], [[90, 400]]])
    pending.stop()
  })

  it('do not ask after a stop, until the reset is undone by which another object continued', () => {
    const { pending, asked, atOnce } = watched()
    pending.stop()
    pending.add(150)
    vi.advanceTimersByTime(1_000)
    expect([atOnce, asked]).toEqual([[], []])
    pending.takeBack()
    vi.advanceTimersByTime(1_000)
    expect(atOnce).toEqual([100])
    expect(asked[0]).toEqual([100, 400])
    pending.stop()
  })

  it('do not ask sooner for fullness that ended by itself', () => {
    const { pending, asked } = watched()
    for (let times = 0; times < 5; times++) {
      pending.add(150)
      vi.advanceTimersByTime(399)
      pending.add(-150)
    }
    expect(asked).toEqual([])
    pending.add(150)
    vi.advanceTimersByTime(400)
    expect(asked).toEqual([[100, 400]])
    pending.stop()
  })
})

it('warns, but not each time', () => {
  const log = new RecordingLogger()
  const pending = new TotalPendingBytes(100, log)
  for (let n = 0; n < 3; n++) {
    pending.add(101)
    pending.add(-101)
  }
  expect(log.at('warn')).toMatchObject([{ bytes: 101, maximumTotalPendingBytes: 100 }])
})
