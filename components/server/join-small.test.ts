import fc from 'fast-check'
import { expect, it } from 'vitest'
import { joinSmall } from './join-small.ts'

const sized = (...sizes: number[]) => sizes.map((size, index) => Buffer.alloc(size, index + 1))

it('keeps the bytes and their order, whatever the sizes', () => {
  const sizes = fc.array(fc.constantFrom(0, 1, 100, 16_384, 16_385, 100_000), { maxLength: 12 })
  fc.assert(
    fc.property(sizes, (sizes) => {
      const chunks = sized(...sizes)
      expect(Buffer.concat(joinSmall(chunks)).equals(Buffer.concat(chunks))).toBe(true)
    }),
  )
})

it('copies small neighbours into one buffer, and neither large ones nor a small one by itself', () => {
  const chunks = sized(10, 20, 100_000, 30, 100_000, 40, 50, 60)
  const joined = joinSmall(chunks)
  expect(joined.map(({ length }) => length)).toEqual([30, 100_000, 30, 100_000, 150])
  for (const index of [1, 2, 3]) expect(joined[index]).toBe(chunks[index + 1])
})
