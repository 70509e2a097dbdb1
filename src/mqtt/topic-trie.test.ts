import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TopicTrie } from './topic-trie.ts'

/** The matching rules in ten lines, to compare with. */
const matches = (filter: string, topic: string): boolean => {
  const want = filter.split('/')
  const have = topic.split('/')
  if (topic.startsWith('$') && (want[0] === '+' || want[0] === '#')) return false
  for (let i = 0; i < want.length; i++) {
    if (want[i] === '#') return true
    if (i === have.length || (want[i] !== '+' && want[i] !== have[i])) return false
  }
  return want.length === have.length
}
/** `a/#` matches `a`, which the loop above cannot see since `a` has no second level. */
const naive = (filter: string, topic: string): boolean =>
  matches(filter, topic) || (filter.endsWith('/#') && matches(filter.slice(0, -2), topic))

const found = <K, V>(trie: TopicTrie<K, V>, topic: string): V[] => trie.match(topic).flatMap((map) => [...map.values()])

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
    const trie = new TopicTrie<string, string>()
    trie.set(filter, 'key', filter)
    expect(found(trie, topic)).toEqual(expected ? [filter] : [])
  })
})

describe('against the naive matcher', () => {
  // Few levels, so that filters and topics meet; some that are traps for objects used as maps, and empty ones.
  const level = fc.constantFrom('', 'a', 'b', '$a', '__proto__', 'constructor')
  const topic = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'))
  const filter = fc
    .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([levels, rest]) => (rest ? [...levels, '#'] : levels).join('/'))
  const change = fc.record({ add: fc.boolean(), filter, key: fc.integer({ min: 1, max: 3 }) })

  it('finds exactly the filters that match, through any history of changes, and keeps no node of a removed filter', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), fc.array(topic, { maxLength: 10 }), (changes, topics) => {
        const trie = new TopicTrie<number, string>()
        const model = new Map<string, { filter: string; key: number }>()
        for (const { add, filter, key } of changes) {
          const id = `${key} ${filter}`
          if (add) {
            trie.set(filter, key, id)
            model.set(id, { filter, key })
          } else {
            expect(trie.delete(filter, key)).toBe(model.delete(id))
          }
          expect(trie.size).toBe(model.size)
        }
        for (const topic of topics) {
          const expected = [...model].filter(([, entry]) => naive(entry.filter, topic)).map(([id]) => id)
          expect(found(trie, topic).sort()).toEqual(expected.sort())
        }
        for (const { filter, key } of model.values()) trie.delete(filter, key)
        expect(trie.size).toBe(0)
        expect(trie.nodes).toBe(0)
      }),
      { numRuns: 300 },
    )
  })
})

describe('under hostile use', () => {
  const deepTopic = '/'.repeat(65_535)

  it('matches a topic of 65,535 slashes without walking past the filters stored', () => {
    const trie = new TopicTrie<string, number>()
    trie.set('#', 'a', 1)
    trie.set('+/+/#', 'b', 2)
    trie.set('+/+', 'c', 3)
    expect(found(trie, deepTopic).sort()).toEqual([1, 2])
  })

  it('stores, matches and removes a filter of 65,535 levels', () => {
    const trie = new TopicTrie<string, number>()
    const filter = `${'+/'.repeat(65_534)}#`
    trie.set(filter, 'a', 1)
    expect(found(trie, deepTopic)).toEqual([1])
    expect(trie.delete(filter, 'a')).toBe(true)
    expect(found(trie, deepTopic)).toEqual([])
  })

  it('replaces a value under the same filter and key', () => {
    const trie = new TopicTrie<string, number>()
    trie.set('a/+', 'k', 1)
    trie.set('a/+', 'k', 2)
    expect(found(trie, 'a/b')).toEqual([2])
    expect(trie.size).toBe(1)
  })
})
