import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { topicFilter, topicName } from '../../test/helpers/arbitrary-topics.ts'
import { runs } from '../../test/helpers/full-run.ts'
import { naiveMatch } from '../../test/helpers/naive-match.ts'
import { TopicTrie } from './topic-trie.ts'

/** A value of its own for each filter. */
interface Stored {
  readonly filter: string
}
const trieOf = (...filters: string[]): TopicTrie<Stored> => {
  const trie = new TopicTrie<Stored>()
  for (const filter of filters) trie.set(filter, { filter })
  return trie
}
const found = (trie: TopicTrie<Stored>, topic: string, nodes = Number.POSITIVE_INFINITY): string[] => {
  const match = trie.match(topic)
  while (!match.done) match.step(nodes)
  return match.found.map(({ filter }) => filter).sort()
}

describe('the examples of the specification', () => {
  it.each([
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
    ['sport/#', 'sport', true],
    ['#', 'sport/tennis', true],
    ['sport/tennis/+', 'sport/tennis/player1', true],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['+/tennis/#', 'sport/tennis', true],
    ['#', '$SYS/broker', false],
    ['+/monitor/Clients', '$SYS/monitor/Clients', false],
    ['+', '$SYS', false],
    ['$SYS/#', '$SYS/broker', true],
    ['$SYS/#', '$SYS', true],
    ['$SYS/monitor/+', '$SYS/monitor/Clients', true],
    ['a/+', 'a/$b', true],
    ['ACCOUNTS', 'Accounts', false],
  ])('%s on %s: %s', (filter, topic, expected) => {
    expect(found(trieOf(filter), topic)).toEqual(expected ? [filter] : [])
  })
})

describe('against the naive matcher', () => {
  const change = fc.record({ add: fc.boolean(), filter: topicFilter })

  it('finds exactly the filters that match, through any history of changes, and keeps no node of a removed filter', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), fc.array(topicName, { maxLength: 10 }), (changes, topics) => {
        const trie = new TopicTrie<Stored>()
        const model = new Set<string>()
        for (const { add, filter } of changes) {
          if (add) {
            trie.set(filter, { filter })
            model.add(filter)
          } else {
            expect(trie.delete(filter)).toBe(model.delete(filter))
          }
          expect(trie.size).toBe(model.size)
        }
        const entries = [...trie.entries()]
        expect(entries.map(([filter]) => filter).sort()).toEqual([...model].sort())
        for (const [filter, value] of entries) expect(value.filter).toBe(filter)
        for (const { filter } of changes) expect(trie.get(filter)?.filter).toBe(model.has(filter) ? filter : undefined)
        for (const topic of topics) {
          const expected = [...model].filter((filter) => naiveMatch(filter, topic)).sort()
          expect(found(trie, topic)).toEqual(expected)
          // A match that stops after each node finds the same.
          expect(found(trie, topic, 1)).toEqual(expected)
        }
        for (const filter of model) trie.delete(filter)
        expect(trie.size).toBe(0)
        expect(trie.nodes).toBe(0)
      }),
      { numRuns: runs(1_000) },
    )
  })
})

describe('a match that is divided', () => {
  /** Every filter of 10 levels that are `a` or `+`, but for the one without wildcards. */
  const filters = Array.from({ length: 2 ** 10 - 1 }, (_, n) =>
    Array.from({ length: 10 }, (_, level) => (((n + 1) >> level) & 1 ? '+' : 'a')).join('/'),
  )
  const topic = Array.from({ length: 10 }, () => 'a').join('/')

  it('visits each node once, and as many at a time as it may', () => {
    const trie = trieOf(...filters)
    const match = trie.match(topic)
    const steps: number[] = []
    while (!match.done) steps.push(match.step(100))
    expect(steps.slice(0, -1).every((visited) => visited === 100)).toBe(true)
    expect(steps.reduce((sum, visited) => sum + visited)).toBe(trie.nodes + 1)
    expect(match.found).toHaveLength(filters.length)
  })

  it('finds all filters that stay, even if others are added and removed meanwhile', () => {
    const trie = trieOf(...filters)
    const match = trie.match(topic)
    const [going, staying] = [filters.filter((_, n) => n % 3 === 0), filters.filter((_, n) => n % 3 !== 0)]
    for (const filter of going) {
      match.step(7)
      trie.delete(filter)
      trie.set(`${filter}/#`, { filter })
    }
    while (!match.done) match.step(7)
    const all = new Set(match.found.map(({ filter }) => filter))
    expect(staying.filter((filter) => !all.has(filter))).toEqual([])
  })
})

describe('under hostile use', () => {
  const deepTopic = '/'.repeat(65_535)

  it('matches a topic of 65,535 slashes without walking past the filters stored', () => {
    expect(found(trieOf('#', '+/+/#', '+/+'), deepTopic)).toEqual(['#', '+/+/#'])
  })

  it('stores, matches and removes a filter of 65,535 levels', () => {
    const filter = `${'+/'.repeat(65_534)}#`
    const trie = trieOf(filter)
    expect(found(trie, deepTopic)).toEqual([filter])
    expect(trie.delete(filter)).toBe(true)
    expect(found(trie, deepTopic)).toEqual([])
    expect(trie.nodes).toBe(0)
  })

  it('replaces the value under the same filter', () => {
    for (const filter of ['a', 'a/+', 'a/#', '#']) {
      const trie = trieOf(filter, filter)
      expect(found(trie, filter.replace(/[+#]/, 'b'))).toEqual([filter])
      expect(trie.size).toBe(1)
    }
  })

  it('distinguishes a filter from filters with the same beginning or end', () => {
    const trie = trieOf('a/+/b', 'a/#')
    for (const filter of ['a/+', 'a', 'a/+/b/#', 'a/+/#', '#', '+', 'a/b/#', 'a/b']) {
      expect(trie.get(filter)).toBeUndefined()
      expect(trie.delete(filter)).toBe(false)
    }
    expect(trie.size).toBe(2)
  })
})
