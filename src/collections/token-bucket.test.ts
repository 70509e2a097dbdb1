import { expect, it } from 'vitest'
import { TokenBucket } from './token-bucket.ts'

/** Two tokens a second, five at most. */
const RATE = [2, 5] as const

it('a bucket begins full, and tokens return at its rate, never beyond its capacity', () => {
  const bucket = new TokenBucket(5, 0)
  const taken = Array.from({ length: 7 }, () => bucket.takeOne(...RATE, 0))
  expect(taken).toEqual([true, true, true, true, true, false, false])
  expect([bucket.takeOne(...RATE, 499), bucket.takeOne(...RATE, 500), bucket.takeOne(...RATE, 501)]).toEqual([
    false,
    true,
    false,
  ])
  expect(bucket.isFull(...RATE, 2_500)).toBe(false)
  expect(bucket.isFull(...RATE, 60_000)).toBe(true)
  expect(Array.from({ length: 6 }, () => bucket.takeOne(...RATE, 60_000)).filter(Boolean)).toHaveLength(5)
})

it('more may be taken than there is: the debt is paid back first', () => {
  const bucket = new TokenBucket(5, 0)
  expect(bucket.take(5, ...RATE, 0)).toBe(0)
  expect(bucket.take(3, ...RATE, 0)).toBe(1_500)
  expect(bucket.take(0, ...RATE, 1_000)).toBe(500)
  expect(bucket.takeOne(...RATE, 1_500)).toBe(false)
  expect(bucket.take(0, ...RATE, 1_500)).toBe(0)
  expect([bucket.has(1, ...RATE, 2_000), bucket.has(2, ...RATE, 2_000)]).toEqual([true, false])
  expect(bucket.takeOne(...RATE, 2_000)).toBe(true)
})

it('a clock that steps back takes nothing away', () => {
  const bucket = new TokenBucket(5, 1_000)
  expect(bucket.take(1, ...RATE, 500)).toBe(0)
  expect(bucket.isFull(...RATE, 1_000)).toBe(true)
})
