import { expect, test } from 'vitest'
import { pairedRatios, slopePerMinute, spread } from './statistics.ts'

test('the spread of an odd and of an even number of values', () => {
  expect(spread([3, 1, 2])).toEqual({ median: 2, lowest: 1, highest: 3 })
  expect(spread([4, 1, 2, 3])).toEqual({ median: 2.5, lowest: 1, highest: 4 })
  expect(spread([7])).toEqual({ median: 7, lowest: 7, highest: 7 })
})

test('nothing has no spread', () => {
  expect(() => spread([])).toThrow(RangeError)
})

test('ratios pair the rounds and leave out those in which one is missing', () => {
  expect(pairedRatios([1, 4, undefined, 3], [2, 2, 5, undefined])).toEqual([0.5, 2])
})

test('a ratio to nothing is left out', () => {
  expect(pairedRatios([1, Number.NaN, 3], [0, 1, 2])).toEqual([1.5])
})

test('a disturbance that hits both brokers of a round leaves the ratio alone', () => {
  expect(spread(pairedRatios([10, 30, 20], [20, 60, 40]))).toEqual({ median: 0.5, lowest: 0.5, highest: 0.5 })
})

test('the slope of memory that grows, stays, or was seen once', () => {
  const samples = [0, 1, 2, 3].map((second) => ({ atMs: second * 1000, bytes: 1000 + second * 5 }))
  expect(slopePerMinute(samples)).toBeCloseTo(300)
  expect(slopePerMinute(samples.map(({ atMs }) => ({ atMs, bytes: 7 })))).toBe(0)
  expect(slopePerMinute(samples.slice(0, 1))).toBe(0)
})
