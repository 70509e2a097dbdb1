import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { withNotice } from './slow-notice.ts'
import type { ComponentState, ComponentStatus } from './system/system-view.ts'

let underWay: Record<string, ComponentState>
let said: string[]
let finish: (value: string) => void
const run = () =>
  withNotice(
    () => Object.entries(underWay).map(([name, state]) => ({ name, state }) as ComponentStatus),
    (text) => said.push(text),
    () => new Promise<string>((resolve) => (finish = resolve)),
  )

beforeEach(() => {
  vi.useFakeTimers()
  underWay = {}
  said = []
})
afterEach(() => {
  vi.useRealTimers()
})

test('the notice shows what a command waits for, once, and again when that changes', async () => {
  const running = run()
  underWay = { server: 'stopping', handler: 'stopping' }
  vi.advanceTimersByTime(1_999)
  expect(said).toEqual([])
  vi.advanceTimersByTime(10_000)
  expect(said.splice(0)).toEqual(['Still stopping: server, handler'])
  underWay = { store: 'starting', handler: 'stopping' }
  vi.advanceTimersByTime(2_000)
  expect(said.splice(0)).toEqual(['Still stopping: handler\nStill starting: store'])
  underWay = {}
  vi.advanceTimersByTime(2_000)
  finish('done')
  expect(await running).toBe('done')
  underWay = { server: 'stopping' }
  vi.advanceTimersByTime(10_000)
  expect(said).toEqual([])
})
