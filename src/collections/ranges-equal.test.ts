import fc from 'fast-check'
import { expect, it } from 'vitest'
import { rangesEqual } from './ranges-equal.ts'

it('compares the ranges, and no byte beside them', () => {
  const lengths = fc.integer({ min: 0, max: 20 })
  fc.assert(
    fc.property(lengths, lengths, fc.integer({ min: 0, max: 19 }), (before, length, changed) => {
      const bytes = new Uint8Array(before + 2 * length + 6).map((_, index) => index)
      const [start, distance] = [before + 1, length + 3]
      bytes.copyWithin(start + distance, start, start + length)
      // In the middle of its memory, as a chunk is.
      const memory = new Uint8Array(bytes.length + 8)
      memory.set(bytes, 4)
      const view = new DataView(memory.buffer, 4, bytes.length)
      expect(rangesEqual(view, start, start + length, distance)).toBe(true)
      if (changed >= length) return
      view.setUint8(start + distance + changed, bytes[start + changed]! + 1)
      expect(rangesEqual(view, start, start + length, distance)).toBe(false)
    }),
  )
})
