import { expect, test } from 'vitest'
import { parseMachineCpuMs, parseProcessUsage, readProcessUsage } from './process-usage.ts'

test('CPU time and memory are read for any name of the program', () => {
  const stat = '42 (a) b (c) R 1 42 42 0 -1 4194304 100 0 0 0 250 50 7 8 20 0 1 0 71587 3133440 384'
  expect(parseProcessUsage(stat, 'Name:\tx\nVmRSS:\t    2048 kB\n', 100)).toEqual({
    userMs: 2500,
    systemMs: 500,
    rssBytes: 2_097_152,
  })
})

test('a process that does not exist has no usage', () => {
  expect(readProcessUsage(2 ** 30)).toBeUndefined()
})

test.runIf(process.platform === 'linux')('this process has one', () => {
  expect(readProcessUsage(process.pid)?.rssBytes).toBeGreaterThan(1_000_000)
})

test('what a machine does is all but being idle', () => {
  expect(parseMachineCpuMs('cpu  100 20 30 5000 400 1 2 3 50 60\ncpu0 1 2 3\n', 100)).toBe(1560)
})
