import { describe, expect, it } from 'vitest'
import { isFullRun } from '../../test/helpers/full-run.ts'
import { Mailbox, messageOn, subscriptionTo } from '../../test/helpers/mailbox.ts'
import { hashOfBytes } from '../collections/hash.ts'
import { Message } from './message.ts'
import { type Route, targetOf } from './route.ts'
import { RouteCache } from './route-cache.ts'

/** A cache, and the topics whose routes it asked for. */
const recording = (subscribers = 1) => {
  const compiled: string[] = []
  const mailbox = new Mailbox()
  const routes = cached((topic): Route => {
    compiled.push(topic)
    const target = targetOf(mailbox, subscriptionTo(topic), new Map())
    return { targets: Array(subscribers).fill(target), shared: [] }
  })
  return { cache: routes, compiled }
}

/** A cache, and the routes of topics through it. */
const cached = (compile: (topic: string) => Route) => {
  const cache = new RouteCache()
  return {
    changed: (filter: string) => cache.changed(filter),
    routeOf(message: Message): Route {
      const known = cache.find(message)
      if (known !== undefined) return known
      const route = compile(message.topic)
      cache.remember(message, route)
      return route
    },
  }
}

describe('a route', () => {
  it('is compiled once, and found wherever in memory the topic lies', () => {
    const { cache, compiled } = recording()
    const route = cache.routeOf(messageOn('a/b'))
    const chunk = Buffer.from('a/ba/ba/c')
    const message = new Message()
    Object.assign(Message.refill(message, chunk), { topicStart: 3, topicEnd: 6 })
    expect(cache.routeOf(message)).toBe(route)
    Object.assign(Message.refill(message, chunk), { topicStart: 6, topicEnd: 9 })
    expect(cache.routeOf(message)).not.toBe(route)
    expect(compiled).toEqual(['a/b', 'a/c'])
  })

  it.each(['caf\u00e9', '\u6e29\u5ea6/1', '\u{1f980}', '\u00c3\u00a9'])('is found for %s, beyond ASCII', (topic) => {
    const { cache, compiled } = recording()
    cache.routeOf(messageOn(topic))
    cache.routeOf(messageOn(topic))
    expect(compiled).toEqual([topic])
    cache.changed(topic)
    cache.routeOf(messageOn(topic))
    expect(compiled).toEqual([topic, topic])
  })

  it('is forgotten when the subscriptions to its topic change, and no other is', () => {
    const { cache, compiled } = recording()
    cache.routeOf(messageOn('a'))
    cache.routeOf(messageOn('b'))
    cache.changed('a')
    cache.routeOf(messageOn('a'))
    cache.routeOf(messageOn('b'))
    expect(compiled).toEqual(['a', 'b', 'a'])
  })

  it.each(['#', 'x/+'])('is forgotten when the subscriptions to %s change', (filter) => {
    const { cache, compiled } = recording()
    cache.routeOf(messageOn('a'))
    cache.changed(filter)
    cache.routeOf(messageOn('a'))
    cache.routeOf(messageOn('a'))
    expect(compiled).toEqual(['a', 'a'])
  })

  it('is compiled every time for a topic that is too long to keep', () => {
    const { cache, compiled } = recording()
    const topic = 'a'.repeat(257)
    cache.routeOf(messageOn(topic))
    cache.routeOf(messageOn(topic))
    cache.changed(topic)
    expect(compiled).toEqual([topic, topic])
  })
})

describe('bounds', () => {
  const place = (topic: string): number => {
    const bytes = Buffer.from(topic)
    const hash = hashOfBytes(bytes, 0, bytes.length)
    return ((hash ^ (hash >>> 15)) & 32_767) >>> 1
  }
  /** Topics that want the same two places. */
  const colliding = (count: number): string[] => {
    const topics: string[] = []
    for (let index = 0; topics.length < count; index += 1) {
      if (place(`topic/${index}`) === place('topic/0')) topics.push(`topic/${index}`)
    }
    return topics
  }

  it('gives a topic the place of another when it comes for the second time', () => {
    const { cache, compiled } = recording()
    const topics = colliding(3)
    for (const topic of topics) cache.routeOf(messageOn(topic))
    // The two are still there.
    for (const topic of topics.slice(0, 2)) cache.routeOf(messageOn(topic))
    expect(compiled).toEqual(topics)
    for (let times = 0; times < 3; times += 1) cache.routeOf(messageOn(topics[2]!))
    expect(compiled).toEqual([...topics, topics[2]])
  })

  it('finds the right route, however many topics it has seen', () => {
    const { cache } = recording()
    for (let round = 0; round < 2; round += 1) {
      for (let index = 0; index < (isFullRun ? 100_000 : 20_000); index += 1) {
        const topic = `topic/${index}`
        const { targets } = cache.routeOf(messageOn(topic))
        if (targets.length !== 1) expect.unreachable()
      }
    }
    const topics = colliding(20)
    for (let round = 0; round < 5; round += 1) for (const topic of topics) cache.routeOf(messageOn(topic))
  })

  it('is cleared when its routes have too many subscribers, and does not keep a route that is too large', () => {
    const crowd = recording(60_000)
    for (let index = 0; index < 9; index += 1) crowd.cache.routeOf(messageOn(`topic/${index}`))
    crowd.cache.routeOf(messageOn('topic/8'))
    expect(crowd.compiled).toHaveLength(9)
    crowd.cache.routeOf(messageOn('topic/0'))
    expect(crowd.compiled).toHaveLength(10)

    const mass = recording(70_000)
    mass.cache.routeOf(messageOn('topic'))
    mass.cache.routeOf(messageOn('topic'))
    expect(mass.compiled).toHaveLength(2)
  })

  it('counts the Subscription Identifiers of a subscriber that has thousands on one topic', () => {
    const compiled: string[] = []
    const target = { ...targetOf(new Mailbox(), subscriptionTo('#'), new Map()), own: undefined }
    const delivery = { ...target.delivery, subscriptionIdentifiers: Array.from({ length: 10_000 }, (_, n) => n + 1) }
    const cache = cached((topic): Route => {
      compiled.push(topic)
      return { targets: [{ ...target, delivery }], shared: [] }
    })
    for (let index = 0; index < 60; index += 1) cache.routeOf(messageOn(`topic/${index}`))
    // Started over since.
    cache.routeOf(messageOn('topic/0'))
    cache.routeOf(messageOn('topic/59'))
    expect(compiled).toHaveLength(61)
  })

  it('bears a topic whose subscriptions change more often than there are places', () => {
    const { cache, compiled } = recording()
    cache.routeOf(messageOn('b'))
    for (let index = 0; index < 40_000; index += 1) {
      cache.changed('a')
      cache.routeOf(messageOn('a'))
    }
    cache.routeOf(messageOn('b'))
    expect(compiled.filter((topic) => topic === 'a')).toHaveLength(40_000)
    expect(compiled.filter((topic) => topic === 'b')).toHaveLength(2)
  })
})
