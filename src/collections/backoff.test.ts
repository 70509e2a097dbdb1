import { expect, it } from 'vitest'
import { Backoff } from './backoff.ts'

it('doubles up to the maximum, and begins again after a success', () => {
  const backoff = new Backoff(1_000, 5_000, () => 1)
  expect([backoff.next(), backoff.next(), backoff.next(), backoff.next(), backoff.next()]).toEqual([
    1_000, 2_000, 4_000, 5_000, 5_000,
  ])
  expect(backoff.attempts).toBe(5)
  backoff.reset()
  expect(backoff.next()).toBe(1_000)
})

it('is random within its upper half', () => {
  expect(new Backoff(1_000, 5_000, () => 0).next()).toBe(500)
  expect(new Backoff(1_000, 5_000, () => 0.5).next()).toBe(750)
})

it('stays at the maximum after any number of attempts', () => {
  const backoff = new Backoff(1, 60_000, () => 1)
  for (let attempt = 0; attempt < 5_000; attempt += 1) backoff.next()
  expect(backoff.next()).toBe(60_000)
})
