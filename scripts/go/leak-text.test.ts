import { expect, test } from 'vitest'
import { type Leak, leakTexts } from './leak-text.ts'

const leak = (place: string, kind: Leak['kind'] = 'timer', delayMs?: number): Leak => ({ kind, delayMs, place })

test('one line for all of one kind, delay and place', () => {
  const leaks = [
    leak('a.ts:1', 'timer', 1_000),
    leak('a.ts:1', 'timer', 1_000),
    leak('a.ts:1', 'timer', 20),
    leak('a.ts:2', 'child process'),
    leak('a.ts:2', 'child process'),
    leak('a.ts:3', 'file watcher'),
  ]
  expect(leakTexts('heartbeat', leaks)).toEqual([
    'heartbeat left 2 timers (1,000 ms), a.ts:1',
    'heartbeat left a timer (20 ms), a.ts:1',
    'heartbeat left 2 child processes, a.ts:2',
    'heartbeat left a file watcher, a.ts:3',
  ])
})

test('at most ten lines', () => {
  const lines = leakTexts(
    'heartbeat',
    Array.from({ length: 100 }, (_, index) => leak(`a.ts:${index}`)),
  )
  expect(lines).toHaveLength(10)
  expect(lines.at(-1)).toBe('heartbeat left more at 91 other places')
  expect(leakTexts('heartbeat', [])).toEqual([])
})
