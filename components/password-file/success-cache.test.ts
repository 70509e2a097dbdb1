import { expect, it } from 'vitest'
import { SuccessCache } from './success-cache.ts'

it('keeps a success for its time', () => {
  let nowMs = 0
  const cache = new SuccessCache<string>(1_000, 10, () => nowMs)
  cache.add('key', 'user')
  nowMs = 999
  expect(cache.get('key')).toBe('user')
  // A look-up does not lengthen it.
  nowMs = 1_000
  expect(cache.get('key')).toBeUndefined()
  cache.add('other', 'user')
  expect(cache.size).toBe(1)
})

it('forgets the oldest when there are too many', () => {
  const cache = new SuccessCache<number>(1_000, 2, () => 0)
  for (const [index, key] of ['a', 'b', 'a', 'c'].entries()) cache.add(key, index)
  expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.size]).toEqual([2, undefined, 3, 2])
})

it.each([
  [0, 10],
  [1_000, 0],
])('keeps nothing with a duration of %i ms and room for %i', (durationMs, maximum) => {
  const cache = new SuccessCache<string>(durationMs, maximum, () => 0)
  cache.add('key', 'user')
  expect([cache.get('key'), cache.size]).toEqual([undefined, 0])
})
