import { expect, test } from 'vitest'
import { LatencyHistogram } from './latency-histogram.ts'

test.each([0.001, 0.1, 0.255, 0.256, 1.5, 17, 999, 12_345.678, 1_000_000])('%d ms is reported within 1 %%', (ms) => {
  const histogram = new LatencyHistogram()
  histogram.add(ms)
  histogram.add(ms * 1.5)
  const reported = histogram.percentileMs(0.5)
  expect(reported).toBeGreaterThanOrEqual(ms)
  expect(reported).toBeLessThanOrEqual(ms * 1.01)
})

test('percentiles of 1 to 1,000 ms', () => {
  const histogram = new LatencyHistogram()
  for (let ms = 1; ms <= 1_000; ms += 1) histogram.add(ms)
  expect(histogram.count).toBe(1_000)
  expect(histogram.maximumMs).toBe(1_000)
  expect(histogram.percentileMs(1)).toBe(1_000)
  for (const share of [0.01, 0.5, 0.9, 0.99, 0.999]) {
    expect(histogram.percentileMs(share)).toBeGreaterThanOrEqual(share * 1_000)
    expect(histogram.percentileMs(share)).toBeLessThanOrEqual(share * 1_010)
  }
})

test('nothing, less than nothing, and more than an hour', () => {
  const histogram = new LatencyHistogram()
  expect(histogram.percentileMs(0.5)).toBe(0)
  histogram.add(-1)
  expect(histogram.percentileMs(1)).toBe(0)
  histogram.add(1e12)
  expect(histogram.percentileMs(1)).toBe(1_800_000)
})
