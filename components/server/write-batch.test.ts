import fc from 'fast-check'
import { expect, it } from 'vitest'
import { BufferPool } from './buffer-pool.ts'
import { WriteBatch } from './write-batch.ts'

const pool = new BufferPool()
const sized = (...sizes: number[]) => sizes.map((size, index) => Buffer.alloc(size, index + 1))
const gather = (chunks: readonly Buffer[]) => {
  const batch = new WriteBatch()
  for (const chunk of chunks) batch.add(chunk, 0, chunk.length)
  return batch
}

it('a batch of writes keeps the bytes and their order, for any ranges', () => {
  const sources = sized(1, 100, 16_384, 16_385, 100_000)
  const ranges = fc.array(fc.tuple(fc.constantFrom(...sources), fc.nat(100_000), fc.nat(100_000)), { maxLength: 12 })
  const batch = new WriteBatch()
  fc.assert(
    fc.property(ranges, (ranges) => {
      const expected: Buffer[] = []
      for (const [source, a, b] of ranges) {
        const [start, end] = [a % source.length, b % source.length].sort((x, y) => x - y) as [number, number]
        batch.add(source, start, end)
        expected.push(source.subarray(start, end))
      }
      const all = Buffer.concat(expected)
      expect(batch.bytes).toBe(all.length)
      expect(Buffer.concat(batch.take(pool, true).chunks).equals(all)).toBe(true)
      expect([batch.bytes, batch.take(pool, true).chunks]).toEqual([0, []])
    }),
  )
})

it('a batch of writes copies small neighbours into one buffer, but not large ranges or a single small range', () => {
  const chunks = sized(10, 20, 100_000, 30, 100_000, 40, 50, 60)
  const taken = gather(chunks).take(pool, true).chunks
  expect(taken.map(({ length }) => length)).toEqual([30, 100_000, 30, 100_000, 150])
  for (const index of [1, 2, 3]) expect(taken[index]).toBe(chunks[index + 1])
})

it('joins adjacent ranges', () => {
  const source = Buffer.alloc(100_000, 'x')
  const batch = new WriteBatch()
  for (let start = 0; start < 50_000; start += 100) batch.add(source, start, start + 100)
  const [taken, ...others] = batch.take(pool, true).chunks
  expect(others).toEqual([])
  // Large enough to be sent from where it is.
  expect(taken?.buffer).toBe(source.buffer)
  expect(taken?.length).toBe(50_000)
})

it('does not keep a large chunk in memory for a small part of it', () => {
  const source = Buffer.alloc(100_000, 'x')
  const batch = new WriteBatch()
  batch.add(source, 10, 20)
  expect(batch.take(pool, true).chunks[0]?.buffer).not.toBe(source.buffer)
})

it('a batch of writes sends a large part of a pooled buffer without a copy, and holds the buffer', () => {
  const pool = new BufferPool()
  const source = pool.take().fill('m')
  const batch = new WriteBatch()
  batch.add(source.subarray(0, 50_000), 5, 40_000)
  const { chunks, pooled } = batch.take(pool, true)
  expect(chunks.map(({ buffer, byteOffset, length }) => [buffer === source.buffer, byteOffset, length])).toEqual([
    [true, 5, 39_995],
  ])
  expect(pooled).toEqual([source])
  pool.give(source)
  expect(pool.take()).not.toBe(source)
  pool.give(pooled[0]!)
  expect(pool.take()).toBe(source)
})

it('a batch of writes copies a small part of it, even if nothing else was read', () => {
  const pool = new BufferPool()
  const source = pool.take().fill('m')
  const batch = new WriteBatch()
  batch.add(source.subarray(0, 5000), 0, 5000)
  const { chunks, pooled } = batch.take(pool, true)
  source.fill('x')
  expect(chunks.map(String)).toEqual(['m'.repeat(5000)])
  expect([pooled[0] === source, pool.owns(pooled[0]!)]).toEqual([false, true])
})
