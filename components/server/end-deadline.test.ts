import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { EndDeadline } from './end-deadline.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('goes on for another object from where it is', () => {
  let passed = 0
  const deadline = new EndDeadline(() => expect.unreachable())
  deadline.begin(100)
  vi.advanceTimersByTime(80)
  deadline.stop()
  const successor = new EndDeadline(() => {
    passed += 1
  })
  successor.continueAt(deadline.atMs)
  vi.advanceTimersByTime(19)
  expect(passed).toBe(0)
  vi.advanceTimersByTime(2)
  expect(passed).toBe(1)
})

it('passes at once for another object when it is over, and never when there was none', () => {
  let passed = 0
  const count = () => {
    passed += 1
  }
  const deadline = new EndDeadline(count)
  deadline.begin(10)
  deadline.stop()
  vi.advanceTimersByTime(1_000)
  new EndDeadline(count).continueAt(deadline.atMs)
  new EndDeadline(count).continueAt(undefined)
  vi.advanceTimersByTime(1)
  expect(passed).toBe(1)
})
