import { setImmediate as turn } from 'node:timers/promises'
import { beforeEach, expect, it, vi } from 'vitest'
import { BufferPool, POOLED_BYTES } from './buffer-pool.ts'
import { EndOfTurn } from './end-of-turn.ts'
import { currentRead, ReadBuffer } from './read-buffer.ts'

let pool: BufferPool
let buffer: ReadBuffer
beforeEach(() => {
  pool = new BufferPool()
  buffer = new ReadBuffer(pool, new EndOfTurn())
})

/** Reads a text, which is forwarded `times` times. @returns where it is each time. */
const read = (text: string, times: number): Buffer[] => {
  const chunk = buffer.view(buffer.memory.write(text))
  const places: Buffer[] = []
  const wasForwarded = buffer.pass(chunk, {
    read: () => {
      for (let time = 0; time < times; time += 1) {
        const memory = buffer.stay()
        places.push(memory.subarray(buffer.offset, buffer.offset + chunk.length))
      }
    },
  })
  expect(wasForwarded).toBe(times > 0)
  return places
}

it('a chunk that is forwarded is copied once, for all', () => {
  const [first, second] = read('first', 2)
  read('other', 1)
  expect([`${first}`, `${second}`]).toEqual(['first', 'first'])
  expect(second?.byteOffset).toBe(first?.byteOffset)
})

it('a chunk of which nothing is forwarded is not copied', () => {
  read('first', 0)
  expect(pool.inUse).toBe(0)
})

it('chunks of one turn are contiguous, so that forwarded bytes are one range', () => {
  const [first] = read('first', 1)
  const [second] = read('second', 1)
  expect(second?.buffer).toBe(first?.buffer)
  expect(second?.byteOffset).toBe(first!.byteOffset + 'first'.length)
})

it('chunks stay as they are until the turn is over; then the memory is given back at the next read', async () => {
  const [first] = read('first', 1)
  await turn()
  expect([`${first}`, pool.owns(first!)]).toEqual(['first', true])
  read('second', 1)
  expect(pool.inUse).toBe(1)
})

it('chunks of a turn do not overwrite the chunks of the previous turn, once that memory was returned', async () => {
  const [first] = read('first', 1)
  await turn()
  // Another connection reads into memory of its own.
  buffer.useInThisTurn(pool.take())
  // The memory of the first chunk may be in use for something else.
  const others = [pool.take(), pool.take()]
  const [second] = read('second', 1)
  for (const other of others) other.fill('x')
  expect(`${second}`).toBe('second')
  expect(first?.buffer).not.toBe(second?.buffer)
})

it('a chunk is the current chunk while it is handled, in every version of the code', async () => {
  vi.resetModules()
  const newer = await import('./read-buffer.ts')
  const chunk = Buffer.from('chunk')
  let seen: unknown
  buffer.pass(chunk, { read: () => (seen = newer.currentRead.chunk) })
  expect([seen === chunk, currentRead.chunk]).toEqual([true, undefined])
})

it('a stage that throws ends the read', () => {
  const failing = () => {
    throw new Error('stage failed')
  }
  expect(() => buffer.pass(Buffer.alloc(1), { read: failing })).toThrow('stage failed')
  expect(currentRead.chunk).toBeUndefined()
})

it('a chunk that does not fit into the buffer gets another buffer', () => {
  const chunk = Buffer.alloc(POOLED_BYTES - 10, 'a')
  const places: ArrayBufferLike[] = []
  for (let n = 0; n < 2; n += 1) buffer.pass(chunk, { read: () => places.push(buffer.stay().buffer) })
  expect([new Set(places).size, pool.inUse]).toEqual([2, 2])
})
