import { expect, it } from 'vitest'
import { AuthenticationFailures } from './failures.ts'

const limits = { banAfterFailures: 3, failureDecaySeconds: 10, maximumTrackedAddresses: 3 }

it('an address is reported with the failure that is one too many, and begins again', () => {
  const failures = new AuthenticationFailures(limits)
  expect([0, 1, 2, 3, 4, 5].map((atMs) => failures.add('a', atMs))).toEqual([false, false, true, false, false, true])
})

it('one failure is forgiven after the other', () => {
  const failures = new AuthenticationFailures(limits)
  const rare = Array.from({ length: 20 }, (_, index) => failures.add('a', index * 10_000))
  expect(rare).not.toContain(true)
  const often = Array.from({ length: 5 }, (_, index) => failures.add('b', 200_000 + index * 5_000))
  expect(often).toEqual([false, false, false, true, false])
})

it('a limited number of addresses is remembered, and those that are forgiven are forgotten', () => {
  const failures = new AuthenticationFailures(limits)
  for (const key of ['a', 'b', 'c', 'd']) failures.add(key, 0)
  expect(failures.tracked).toBe(3)
  for (let count = 0; count < 2; count += 1) failures.add('e', 60_000)
  expect(failures.tracked).toBe(1)
  failures.forgive('e')
  expect(failures.tracked).toBe(0)
})

it('without a number nothing is counted', () => {
  const failures = new AuthenticationFailures({ ...limits, banAfterFailures: null })
  for (let count = 0; count < 100; count += 1) expect(failures.add('a', 0)).toBe(false)
  expect(failures.tracked).toBe(0)
})
