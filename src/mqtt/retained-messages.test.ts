import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { topicFilter, topicName } from '../../test/helpers/arbitrary-topics.ts'
import { runs } from '../../test/helpers/full-run.ts'
import { naiveMatch } from '../../test/helpers/naive-match.ts'
import { Message } from './message.ts'
import { RetainedMessages, retainedCost } from './retained-messages.ts'
import { SearchState } from './retained-search.ts'

const UNLIMITED = { maximumMessages: Number.POSITIVE_INFINITY, maximumBytes: Number.POSITIVE_INFINITY }

const retainedOn = (topic: string, { payloadLength = 1, expiresAtMs = Number.POSITIVE_INFINITY } = {}): Message =>
  Message.of({ topic, payload: Buffer.alloc(payloadLength), retain: true, expiresAtMs })

const holding = (...topics: string[]): RetainedMessages => {
  const retained = new RetainedMessages(UNLIMITED)
  for (const topic of topics) retained.set(retainedOn(topic))
  return retained
}
/** Searches to the end, in steps. @returns what is found, and how many nodes were visited. */
const searched = (retained: RetainedMessages, filter: string, nowMs = 0) => {
  const search = retained.search(filter, Number.POSITIVE_INFINITY)
  let visits = 0
  while (search.state === SearchState.Going) visits += search.step(3)
  expect(search.state).toBe(SearchState.Done)
  const found = search.numbers.flatMap((number) => retained.at(number, nowMs) ?? [])
  expect(new Set(search.numbers).size).toBe(search.numbers.length)
  return { found, visits }
}
const matching = (retained: RetainedMessages, filter: string, nowMs = 0): string[] =>
  searched(retained, filter, nowMs)
    .found.map(({ topic }) => topic)
    .sort()
const visits = (retained: RetainedMessages, filter: string): number => searched(retained, filter).visits

describe('the message of a topic', () => {
  it('is replaced by the next one [MQTT-3.3.1-5]', () => {
    const retained = holding('a/b')
    const next = retainedOn('a/b')
    expect(retained.set(next)).toBe(true)
    expect(retained.get('a/b', 0)).toBe(next)
    expect(searched(retained, 'a/+').found).toEqual([next])
    expect(retained.count).toBe(1)
  })

  it('is gone once it is removed, and no other is [MQTT-3.3.1-6]', () => {
    const retained = holding('a', 'a/b', 'a/b/c', 'a/c')
    expect(retained.delete('a/b')).toBe(true)
    expect(retained.delete('a/b')).toBe(false)
    expect(retained.delete('a/b/c/d')).toBe(false)
    expect(retained.get('a/b', 0)).toBeUndefined()
    expect(matching(retained, '#')).toEqual(['a', 'a/b/c', 'a/c'])
  })

  it('is distinguished from topics with the same beginning', () => {
    const retained = holding('level/one', 'level', 'level/', 'level/one/', 'level/on')
    for (const topic of ['level/', 'level/on', 'level/one/', 'level/one', 'level']) {
      expect(retained.get(topic, 0)?.topic).toBe(topic)
    }
    for (const topic of ['leve', 'levels', '/level', 'level//', 'level/o', 'level/one/two', 'x']) {
      expect(retained.get(topic, 0)).toBeUndefined()
    }
  })
})

describe('against the naive matcher', () => {
  const change = fc.record({
    topic: topicName,
    remove: fc.boolean(),
    expiresAtMs: fc.constantFrom(10, 20, Number.POSITIVE_INFINITY),
  })

  it('finds exactly the messages whose topics match, through any history, and holds nothing when all are removed', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), fc.array(topicFilter, { maxLength: 10 }), (changes, filters) => {
        const retained = new RetainedMessages(UNLIMITED)
        const model = new Map<string, Message>()
        for (const { topic, remove, expiresAtMs } of changes) {
          if (remove) {
            expect(retained.delete(topic)).toBe(model.delete(topic))
          } else {
            const message = retainedOn(topic, { expiresAtMs })
            expect(retained.set(message)).toBe(true)
            model.set(topic, message)
          }
          expect(retained.count).toBe(model.size)
        }
        for (const nowMs of [0, 15]) {
          const alive = [...model.values()].filter(({ expiresAtMs }) => expiresAtMs > nowMs)
          for (const filter of filters) {
            const expected = alive.filter(({ topic }) => naiveMatch(filter, topic))
            expect(new Set(searched(retained, filter, nowMs).found)).toEqual(new Set(expected))
          }
          for (const { topic } of changes) {
            expect(retained.get(topic, nowMs)).toBe(alive.find((message) => message.topic === topic))
          }
        }
        // A node for each message, and one for each place where two part; `#` does not see topics with `$`.
        expect(visits(retained, '#')).toBeLessThanOrEqual(2 * model.size)
        for (const topic of model.keys()) expect(retained.delete(topic)).toBe(true)
        expect([retained.count, retained.bytes, visits(retained, '#')]).toEqual([0, 0, 0])
      }),
      { numRuns: runs(1_000) },
    )
  })
})

describe('found in parts', () => {
  const change = fc.record({ topic: topicName, remove: fc.boolean() })

  it('each topic that keeps a message is found once, even if other topics change between the parts', () => {
    fc.assert(
      fc.property(
        fc.array(topicName, { maxLength: 20 }),
        topicFilter,
        fc.record({ looked: fc.integer({ min: 1, max: 4 }), found: fc.integer({ min: 1, max: 4 }) }),
        fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 10 }),
        (topics, filter, limits, changes) => {
          const retained = holding(...topics)
          const staying = new Set(topics.filter((topic) => naiveMatch(filter, topic)))
          const last = retained.lastNumber
          const found: string[] = []
          for (let reached = 0; reached < last; ) {
            const part = retained.walk(filter, reached, last, limits)
            expect(part.reached).toBeGreaterThan(reached)
            expect(part.numbers.length).toBeLessThanOrEqual(limits.found)
            found.push(...part.numbers.map((number) => retained.at(number, 0)!.topic))
            reached = part.reached
            for (const { topic, remove } of changes.shift() ?? []) {
              if (remove && retained.delete(topic)) staying.delete(topic)
              else retained.set(retainedOn(topic))
            }
          }
          const once = found.filter((topic) => staying.has(topic)).sort()
          expect(once).toEqual([...staying].sort())
          expect(found.every((topic) => naiveMatch(filter, topic))).toBe(true)
        },
      ),
      { numRuns: runs(1_000) },
    )
  })
})

describe('a search in steps', () => {
  it('visits a bounded number of nodes in each, for any number of children, and reports the number', () => {
    const retained = holding(...Array.from({ length: 10_000 }, (_, index) => `a/${index}/z`))
    const search = retained.search('a/+/zz', 10)
    let steps = 0
    let visited = 0
    for (; search.state === SearchState.Going; steps += 1) {
      const inStep = search.step(100)
      expect(inStep).toBeLessThanOrEqual(101)
      visited += inStep
    }
    expect(search.state).toBe(SearchState.Done)
    expect(search.numbers).toEqual([])
    expect(visited).toBeGreaterThanOrEqual(10_000)
    expect(steps).toBeGreaterThanOrEqual(99)
  })

  it('gives up when it finds more than it may', () => {
    const retained = holding('a/1', 'a/2', 'a/3')
    const [enough, tooMany] = [retained.search('a/+', 3), retained.search('a/+', 2)]
    while (enough.state === SearchState.Going) enough.step(1)
    while (tooMany.state === SearchState.Going) tooMany.step(1)
    expect([enough.state, tooMany.state]).toEqual([SearchState.Done, SearchState.Abandoned])
  })

  it('gives up if a topic is added or removed, and continues if a topic gets another message', () => {
    const retained = holding('a/1/x', 'a/2/x', 'a/3/x')
    const searches = [retained.search('a/+/x', 9), retained.search('a/+/x', 9)]
    for (const search of searches) search.step(1)
    retained.set(retainedOn('a/2/x'))
    while (searches[0]!.state === SearchState.Going) searches[0]!.step(1)
    expect(searches[0]!.numbers).toHaveLength(3)
    retained.set(retainedOn('a/1/y'))
    searches[1]!.step(1)
    expect(searches[1]!.state).toBe(SearchState.Abandoned)
    const third = retained.search('a/+/x', 9)
    retained.delete('a/1/y')
    third.step(1)
    expect(third.state).toBe(SearchState.Abandoned)
  })

  it('takes no stack for a filter of many levels', () => {
    const topics = Array.from({ length: 200 }, (_, index) => 'x/'.repeat(10 * index + 10))
    const retained = holding(...new Set(topics))
    expect(matching(retained, 'x/'.repeat(2_000))).toHaveLength(1)
  })
})

describe('a part of the walk through all topics', () => {
  it('ends earlier where topics are long', () => {
    const retained = holding(...Array.from({ length: 10 }, (_, index) => `${index}/${'x'.repeat(12_800)}`))
    const limits = { looked: 202, found: 10 }
    const part = retained.walk('+/y', 0, retained.lastNumber, limits)
    expect(part).toEqual({ numbers: [], reached: 2, looked: 202 })
  })
})

describe('what a filter costs', () => {
  const building = (): RetainedMessages => {
    const retained = holding()
    for (let floor = 0; floor < 100; floor += 1) {
      for (let room = 0; room < 100; room += 1) {
        for (const value of ['temperature', 'humidity']) {
          retained.set(retainedOn(`building/floor-${floor}/room-${room}/${value}`))
        }
      }
    }
    return retained
  }

  it('is a visit of the nodes it leads to, and no scan of all the messages', () => {
    const retained = building()
    expect(retained.count).toBe(20_000)
    expect(visits(retained, 'building/floor-7/room-8/humidity')).toBe(4)
    expect(visits(retained, 'building/floor-7/room-8/+')).toBe(5)
    expect(visits(retained, 'building/floor-7/room-8/#')).toBe(5)
    expect(visits(retained, 'building/floor-7/+/humidity')).toBe(202)
    expect(visits(retained, 'building/+/room-8/humidity')).toBe(301)
    expect(visits(retained, 'building/+')).toBe(101)
    expect(visits(retained, 'elsewhere/#')).toBe(0)
    expect(visits(retained, '$SYS/#')).toBe(0)
    expect(matching(retained, 'building/floor-7/+/humidity')).toHaveLength(100)
  })

  it('does not grow with what else is retained', () => {
    const retained = building()
    const before = visits(retained, 'building/+/room-8/#')
    for (let index = 0; index < 10_000; index += 1) retained.set(retainedOn(`building/floor-1/cellar/${index}`))
    expect(visits(retained, 'building/+/room-8/#')).toBe(before)
  })
})

describe('under hostile use', () => {
  const deep = '/'.repeat(65_535)

  it('takes one node for a topic of 65,535 slashes, and matches it with filters as deep', () => {
    const retained = holding(deep)
    expect(visits(retained, '#')).toBe(1)
    expect(matching(retained, '#')).toEqual([deep])
    expect(matching(retained, '/+/#')).toEqual([deep])
    expect(matching(retained, '+/+')).toEqual([])
    expect(matching(retained, `${'+/'.repeat(65_535)}+`)).toEqual([deep])
    expect(matching(retained, `${'+/'.repeat(65_535)}#`)).toEqual([deep])
    expect(matching(retained, `${'+/'.repeat(65_535)}+/#`)).toEqual([deep])
    expect(matching(retained, `${'+/'.repeat(65_535)}+/+`)).toEqual([])
    expect(retained.delete(deep)).toBe(true)
    expect(retained.bytes).toBe(0)
  })

  it('needs one node for each message if each topic is one level deeper than the previous', () => {
    const topics = Array.from({ length: 2_000 }, (_, index) => '/'.repeat(index + 1))
    const retained = holding(...topics)
    expect(visits(retained, '#')).toBe(2_000)
    expect(matching(retained, '#')).toHaveLength(2_000)
    for (const topic of topics) expect(retained.delete(topic)).toBe(true)
    expect(visits(retained, '#')).toBe(0)
  })

  it('counts the bytes of topics, properties and payload, and something for the objects', () => {
    const retained = holding()
    retained.set(
      Message.of({ topic: 'a'.repeat(1_000), properties: Buffer.alloc(2_000), payload: Buffer.alloc(3_000) }),
    )
    expect(retained.bytes).toBeGreaterThan(6_000 + 500)
    expect(retained.bytes).toBeLessThan(10_000)
  })
})

describe('limits', () => {
  it('has no room for another topic at the maximum of messages, but for another message on each', () => {
    const retained = new RetainedMessages({ ...UNLIMITED, maximumMessages: 2 })
    expect(['a', 'b', 'c'].map((topic) => retained.set(retainedOn(topic)))).toEqual([true, true, false])
    expect(matching(retained, '#')).toEqual(['a', 'b'])
    expect(retained.set(retainedOn('a', { payloadLength: 1_000 }))).toBe(true)
    retained.delete('b')
    expect(retained.set(retainedOn('c'))).toBe(true)
  })

  it('has no room beyond the maximum of bytes, and keeps the earlier message when the next does not fit', () => {
    const retained = new RetainedMessages({ ...UNLIMITED, maximumBytes: 10_000 })
    const first = retainedOn('a', { payloadLength: 5_000 })
    expect(retained.set(first)).toBe(true)
    expect(retained.set(retainedOn('b', { payloadLength: 5_000 }))).toBe(false)
    expect(retained.set(retainedOn('a', { payloadLength: 10_000 }))).toBe(false)
    expect(retained.get('a', 0)).toBe(first)
    expect(retained.get('b', 0)).toBeUndefined()
    expect(retained.set(retainedOn('a', { payloadLength: 5_000 }))).toBe(true)
    expect(retained.set(retainedOn('a', { payloadLength: 8_000 }))).toBe(true)
    expect(retained.bytes).toBeLessThanOrEqual(10_000)
  })
})

describe('expiry', () => {
  it('does not return a message from the moment it expires on [MQTT-3.3.2-5]', () => {
    const retained = holding()
    retained.set(retainedOn('a', { expiresAtMs: 1_000 }))
    expect(retained.get('a', 999)).toBeDefined()
    expect(matching(retained, '#', 999)).toEqual(['a'])
    expect(retained.get('a', 1_000)).toBeUndefined()
    expect(matching(retained, '#', 1_000)).toEqual([])
  })

  it('removes expired messages, a bounded number at a time, and finally examines all', () => {
    const retained = holding('stays')
    for (let index = 0; index < 100; index += 1) {
      retained.set(retainedOn(`topic/${index}`, { expiresAtMs: index % 2 === 0 ? 10 : 20 }))
    }
    expect(retained.removeExpired(5, 1_000)).toEqual([])
    let removed = 0
    for (let call = 0; call < 10; call += 1) {
      const some = retained.removeExpired(10, 10)
      expect(some.length).toBeLessThanOrEqual(10)
      removed += some.length
    }
    expect(removed).toBe(50)
    expect(retained.count).toBe(51)
    retained.removeExpired(10, 1_000)
    expect(retained.removeExpired(20, 1_000)).toHaveLength(50)
    expect(matching(retained, '#')).toEqual(['stays'])
  })

  it('does not remove a message that replaced one that would have expired', () => {
    const retained = holding()
    retained.set(retainedOn('a', { expiresAtMs: 10 }))
    retained.set(retainedOn('a'))
    expect(retained.removeExpired(20, 1_000)).toEqual([])
    expect(retained.get('a', 20)).toBeDefined()
  })
})

describe('a message that is added', () => {
  it('is found as one that was set, and leaves a message that is there alone', () => {
    const topics = [
      'a/b',
      'a/b/c',
      'a',
      'a/bc',
      'x/y/z',
      'x',
      '/',
      'a long level of a topic/b',
      'a long level of a topic/c',
    ]
    const added = new RetainedMessages(UNLIMITED)
    for (const topic of topics) {
      const message = retainedOn(topic)
      expect(added.add(message)).toBe('added')
      expect(added.add(retainedOn(topic, { payloadLength: 9 }))).toBe('has-message')
      expect(added.get(topic, 0)).toBe(message)
    }
    const set = holding(...topics)
    expect([added.count, added.bytes]).toEqual([set.count, set.bytes])
    for (const filter of ['#', '+/+', 'a/#', 'x/+/z']) expect(matching(added, filter)).toEqual(matching(set, filter))
    for (const topic of topics) expect(added.delete(topic)).toBe(true)
    expect([added.count, added.bytes]).toEqual([0, 0])
  })

  it('has no room beyond the limits, which count other memory as well', () => {
    const retained = new RetainedMessages({ maximumMessages: 2, maximumBytes: retainedCost(retainedOn('a')) * 2 })
    expect(retained.add(retainedOn('a'), 0, 1)).toBe('added')
    expect(retained.add(retainedOn('b'), 1)).toBe('no-room')
    expect(retained.add(retainedOn('b'), 0, 1)).toBe('no-room')
    expect(retained.has('b')).toBe(false)
    expect(retained.add(retainedOn('b'))).toBe('added')
    expect(retained.add(retainedOn('c'))).toBe('no-room')
    expect(retained.add(retainedOn('a'))).toBe('has-message')
    expect(retained.count).toBe(2)
  })

  it('expires as others do', () => {
    const retained = new RetainedMessages(UNLIMITED)
    retained.add(retainedOn('a', { expiresAtMs: 5 }))
    expect(retained.removeExpired(6, 10).map(({ topic }) => topic)).toEqual(['a'])
  })
})
