import { expect, test } from 'vitest'
import { formatProgress, progressBar } from './progress.ts'

test('the bar tells how much is done and fits in the line', () => {
  const step = { done: 1, total: 4, part: 0.5, text: 'fan-out-200, relay, round 1: measuring' }
  expect(formatProgress(step, 200)).toBe(
    '[#########...............] 38 % (2 of 4) fan-out-200, relay, round 1: measuring',
  )
  expect(formatProgress(step, 40)).toHaveLength(39)
})

test('there is no bar where there is no terminal', () => {
  const written: string[] = []
  const stream = { isTTY: false, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream
  const bar = progressBar(stream)
  bar.show({ done: 0, total: 1, part: 0, text: '' })
  bar.clear()
  expect(written).toEqual([])
})
