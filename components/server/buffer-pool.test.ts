import { expect, it } from 'vitest'
import { BufferPool, POOLED_BYTES } from './buffer-pool.ts'

it('gives the same memory again once it was given back', () => {
  const pool = new BufferPool()
  const first = pool.take()
  expect([first.length, pool.owns(first), pool.owns(Buffer.alloc(1))]).toEqual([POOLED_BYTES, true, false])
  expect(pool.take()).not.toBe(first)
  pool.give(first)
  expect(pool.take()).toBe(first)
})

it('has no more than 64 buffers for those who can do without', () => {
  const pool = new BufferPool()
  const taken = Array.from({ length: 65 }, () => pool.takeIfFree())
  expect(taken.filter((buffer) => buffer !== undefined)).toHaveLength(64)
  expect(pool.take()).toBeDefined()
  pool.letGo()
  expect(pool.takeIfFree()).toBeUndefined()
  pool.give(taken[0]!)
  expect(pool.takeIfFree()).toBe(taken[0])
})
