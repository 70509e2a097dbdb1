import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { EventLoopDelay } from './event-loop-delay.ts'

let delay: EventLoopDelay
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  delay = new EventLoopDelay()
})
afterEach(() => {
  delay.stop()
  vi.useRealTimers()
})

const turn = () => new Promise((resolve) => setTimeout(resolve, 30))
/** Keeps the event loop from turning for 200 ms. */
const block = async () => {
  await turn()
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  await turn()
}

it('has a delay at once, also after the first window, and forgets it after the second', async () => {
  vi.advanceTimersByTime(10_000)
  await block()
  expect(delay.delays.maxMs).toBeGreaterThan(100)
  vi.advanceTimersByTime(5_000)
  expect(delay.delays.maxMs).toBeGreaterThan(100)
  vi.advanceTimersByTime(5_000)
  expect(delay.delays).toEqual({ p50Ms: 0, p99Ms: 0, maxMs: 0 })
})
