import { expect, it, vi } from 'vitest'
import { BufferPool, POOLED_BYTES } from './buffer-pool.ts'

it('the buffer pool gives the same memory again once it was given back', () => {
  const pool = new BufferPool()
  const first = pool.take()
  expect([first.length, pool.owns(first), pool.owns(Buffer.alloc(1))]).toEqual([POOLED_BYTES, true, false])
  expect(pool.take()).not.toBe(first)
  pool.give(first)
  expect(pool.take()).toBe(first)
})

it('the buffer pool gives at most 64 optional buffers', () => {
  const pool = new BufferPool()
  const taken = Array.from({ length: 65 }, () => pool.takeIfFree())
  expect(taken.filter((buffer) => buffer !== undefined)).toHaveLength(64)
  expect(pool.take()).toBeDefined()
  pool.abandon(pool.take())
  expect(pool.takeIfFree()).toBeUndefined()
  pool.give(taken[0]!)
  expect(pool.takeIfFree()).toBe(taken[0])
})

it('the buffer pool has a buffer free again when the last of its users gave it back', () => {
  const pool = new BufferPool()
  const buffer = pool.take()
  expect(pool.hold(buffer.subarray(10, 20))).toBe(buffer)
  expect(pool.hold(Buffer.alloc(1))).toBeUndefined()
  pool.give(buffer)
  expect([pool.owns(buffer), pool.take() === buffer]).toEqual([true, false])
  pool.give(buffer)
  expect([pool.owns(buffer), pool.take() === buffer]).toEqual([false, true])
})

it('never has a buffer free that one of its users abandoned', () => {
  const pool = new BufferPool()
  const buffer = pool.take()
  pool.hold(buffer)
  pool.abandon(buffer)
  pool.give(buffer)
  expect(pool.take()).not.toBe(buffer)
})

it('has a buffer free again that was taken by an older version of the code', async () => {
  const older = new BufferPool()
  const buffer = older.take()
  vi.resetModules()
  const { BufferPool: Newer } = await import('./buffer-pool.ts')
  const newer = new Newer()
  expect(newer.owns(buffer)).toBe(true)
  newer.give(buffer)
  expect([newer.owns(buffer), older.inUse, older.take() === buffer]).toEqual([false, 0, true])
})
