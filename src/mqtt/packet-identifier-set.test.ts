import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runs } from '../../test/helpers/full-run.ts'
import { fuzzSeed } from '../../test/helpers/packets.ts'
import { PAGE_BYTES, PacketIdentifierSet } from './packet-identifier-set.ts'

const ascending = (set: Iterable<number>) => [...set].sort((a, b) => a - b)

describe('a set of Packet Identifiers', () => {
  it('agrees with a Set, for any additions and deletions in any order', () => {
    // Few enough that they meet, at the edges of words and pages, and all over.
    const identifier = fc.oneof(
      fc.integer({ min: 1, max: 70 }),
      fc.constantFrom(511, 512, 513, 1023, 1024, 65_535),
      fc.integer({ min: 1, max: 65_535 }),
    )
    const step = fc.tuple(fc.constantFrom('add', 'add', 'delete', 'copy'), identifier)
    const property = fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      let set = new PacketIdentifierSet()
      const expected = new Set<number>()
      for (const [action, each] of steps) {
        if (action === 'copy') set = set.copy()
        else if (action === 'add') {
          expect(set.add(each)).toBe(!expected.has(each))
          expected.add(each)
        } else expect(set.delete(each)).toBe(expected.delete(each))
        expect([set.has(each), set.size]).toEqual([expected.has(each), expected.size])
      }
      expect(ascending(set)).toEqual(ascending(expected))
      expect(set.bytes).toBe(new Set([...expected].map((each) => each >> 9)).size * PAGE_BYTES)
    })
    fc.assert(property, { seed: fuzzSeed, numRuns: runs(300) })
  })

  it('holds all identifiers in 128 pages, and needs no page when empty', () => {
    const set = new PacketIdentifierSet()
    expect(set.bytes).toBe(0)
    const all = Array.from({ length: 65_535 }, (_, index) => index + 1)
    expect(all.filter((identifier) => !set.add(identifier))).toEqual([])
    expect([set.size, set.bytes]).toEqual([65_535, 128 * PAGE_BYTES])
    expect(all.filter((identifier) => !set.delete(identifier))).toEqual([])
    expect([set.size, set.bytes]).toEqual([0, 0])
  })

  it('reports the memory of the next identifier', () => {
    const set = new PacketIdentifierSet()
    expect(set.costOf(1)).toBe(PAGE_BYTES)
    set.add(1)
    expect([set.costOf(511), set.costOf(512)]).toEqual([0, PAGE_BYTES])
  })

  it('does not share what is added to a copy', () => {
    const set = new PacketIdentifierSet()
    set.add(1)
    const copy = set.copy()
    copy.add(2)
    set.delete(1)
    expect([[...set], ascending(copy)]).toEqual([[], [1, 2]])
  })
})
