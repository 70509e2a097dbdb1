import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runs } from '../../test/helpers/full-run.ts'
import { covers, overlaps } from './topic-filter-sets.ts'

/** What section 4.7 says, written as plainly as can be. */
const matches = (filter: string, topic: string): boolean => {
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false
  const rest = (levels: readonly string[], names: readonly string[]): boolean => {
    if (levels[0] === '#') return true
    if (levels.length === 0 || names.length === 0) return levels.length === names.length
    return (levels[0] === '+' || levels[0] === names[0]) && rest(levels.slice(1), names.slice(1))
  }
  return rest(filter.split('/'), topic.split('/'))
}

/** Levels of filters; those of topics have `z` besides, which stands for all that no filter names. */
const words = ['', 'a', 'b', '$a']
const deepestFilter = 3

/** Every topic of one level more than filters have, or less. */
const topics = ((): readonly string[] => {
  let names: string[][] = [[]]
  const all: string[] = []
  for (let depth = 1; depth <= deepestFilter + 1; depth += 1) {
    names = names.flatMap((name) => [...words, 'z'].map((word) => [...name, word]))
    all.push(...names.map((name) => name.join('/')))
  }
  return all
})()

const filters = fc
  .tuple(fc.array(fc.constantFrom('+', '+', ...words), { maxLength: deepestFilter }), fc.boolean())
  .map(([levels, hash]) => [...levels.slice(0, hash ? deepestFilter - 1 : deepestFilter), ...(hash ? ['#'] : [])])
  .map((levels) => levels.join('/'))
  .filter((filter) => filter !== '')

describe('covers', () => {
  it('gives the result of a comparison of all topics', () => {
    fc.assert(
      fc.property(filters, filters, (filter, other) => {
        const expected = topics.every((topic) => !matches(other, topic) || matches(filter, topic))
        expect(covers(filter, other)).toBe(expected)
      }),
      { numRuns: runs(2_000) },
    )
  })

  it('matches topics', () => {
    fc.assert(
      fc.property(filters, fc.constantFrom(...topics), (filter, topic) => {
        expect(covers(filter, topic)).toBe(matches(filter, topic))
        expect(overlaps(filter, topic)).toBe(matches(filter, topic))
      }),
      { numRuns: runs(2_000) },
    )
  })

  it.each([
    ['#', '+/#', true],
    ['+/#', '#', true],
    ['+', '#', false],
    ['/#', '#', false],
    ['a/#', 'a', true],
    ['a/#', 'a/+/#', true],
    ['a/+/#', 'a/#', false],
    ['a/+', 'a/b', true],
    ['a/b', 'a/+', false],
    ['a/', 'a/+', false],
    ['a/+', 'a/#', false],
    ['#', '$SYS/#', false],
    ['+/a', '$SYS/a', false],
    ['$SYS/#', '$SYS', true],
    ['$SYS/#', '+/#', false],
    ['ab', 'a', false],
    ['a', 'ab', false],
    ['é/+', 'é/ü', true],
  ])('%j of %j: %j', (filter, other, expected) => {
    expect(covers(filter, other)).toBe(expected)
  })
})

describe('overlaps', () => {
  it('gives the result of a comparison of all topics, in both directions', () => {
    fc.assert(
      fc.property(filters, filters, (filter, other) => {
        const expected = topics.some((topic) => matches(other, topic) && matches(filter, topic))
        expect([overlaps(filter, other), overlaps(other, filter)]).toEqual([expected, expected])
      }),
      { numRuns: runs(2_000) },
    )
  })

  it.each([
    ['#', '+', true],
    ['a/+', '+/b', true],
    ['a/+/c', 'a/b', false],
    ['a/#', 'a', true],
    ['a', 'a/#', true],
    ['a/+', 'a', false],
    ['a/+/#', 'a', false],
    ['a/b/#', 'a/+', true],
    ['#', '$SYS/#', false],
    ['+/a', '$SYS/#', false],
    ['$SYS/+', '$SYS/#', true],
    ['ab/#', 'a/#', false],
    ['/', '+/+', true],
  ])('%j and %j: %j', (filter, other, expected) => {
    expect([overlaps(filter, other), overlaps(other, filter)]).toEqual([expected, expected])
  })
})

it('the comparison of filters takes filters of 65,535 levels', () => {
  const deep = '+/'.repeat(32_767)
  expect(covers(`${deep}#`, `${deep}+`)).toBe(true)
  expect(overlaps(`${deep}a`, `${deep}b`)).toBe(false)
})
