import { expect, it } from 'vitest'
import { ExpiringCache } from './expiring-cache.ts'

it('keeps a value for its time', () => {
  let nowMs = 0
  const cache = new ExpiringCache<string>({ durationMs: 1_000, maximum: 10, nowMs: () => nowMs })
  cache.set('key', 'user')
  nowMs = 999
  expect(cache.get('key')).toBe('user')
  // A look-up does not lengthen it.
  nowMs = 1_000
  expect(cache.get('key')).toBeUndefined()
  cache.set('other', 'user')
  expect(cache.size).toBe(1)
})

it('removes the oldest when there are too many', () => {
  const cache = new ExpiringCache<number>({ durationMs: 1_000, maximum: 2, nowMs: () => 0 })
  for (const [index, key] of ['a', 'b', 'a', 'c'].entries()) cache.set(key, index)
  expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.size]).toEqual([2, undefined, 3, 2])
})

it.each([
  [0, 10],
  [1_000, 0],
])('keeps nothing with a duration of %i ms and room for %i', (durationMs, maximum) => {
  const cache = new ExpiringCache<string>({ durationMs, maximum, nowMs: () => 0 })
  cache.set('key', 'user')
  expect([cache.get('key'), cache.size]).toEqual([undefined, 0])
})

it('counts the bytes of its values, and removes the oldest when they are too many', () => {
  const cache = new ExpiringCache<number>({ durationMs: 1_000, maximum: 10, maximumBytes: 100, nowMs: () => 0 })
  cache.set('a', 1, 40)
  cache.set('b', 2, 60)
  cache.set('a', 3, 30)
  expect([cache.size, cache.bytes]).toEqual([2, 90])
  cache.set('c', 4, 20)
  expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.bytes]).toEqual([3, undefined, 4, 50])
  cache.clear()
  expect([cache.size, cache.bytes]).toEqual([0, 0])
})
