import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { progressLine } from './rows.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('a command that takes long says once a second how far it is', () => {
  const lines: string[] = []
  const progress = progressLine('check', (line) => lines.push(line))
  progress(10)
  vi.advanceTimersByTime(1_000)
  progress(20)
  progress(30)
  vi.advanceTimersByTime(1_000)
  progress(40)
  expect(lines).toEqual(['check: 20 entries so far\n', 'check: 40 entries so far\n'])
})
