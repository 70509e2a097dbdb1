import { describe, expect, it } from 'vitest'
import { PublishBucket, PublishBuckets } from './rate-buckets.ts'

describe('the bucket of a client', () => {
  it.each([
    ['messages', { messages: 2, bytes: undefined }, [2, 1_000], [1, 0]],
    ['bytes', { messages: undefined, bytes: 100 }, [1_000, 100], [0, 1]],
    ['both, of which messages end first', { messages: 2, bytes: 100 }, [2, 50], [1, 50]],
    ['both, of which bytes end first', { messages: 2, bytes: 100 }, [1, 100], [1, 1]],
  ] as const)('limits %s', (_, limits, [messages, bytes], [moreMessages, moreBytes]) => {
    const bucket = new PublishBucket(limits, 0)
    expect(bucket.isFull(0)).toBe(true)
    expect(bucket.has(messages, bytes, 0)).toBe(true)
    expect(bucket.take(messages, bytes, 0)).toBe(0)
    expect([bucket.has(moreMessages, moreBytes, 0), bucket.isFull(0)]).toEqual([false, false])
    expect(bucket.take(moreMessages, moreBytes, 0)).toBeGreaterThan(0)
    expect(bucket.isFull(10_000)).toBe(true)
  })

  it('is not full until both limits are', () => {
    const bucket = new PublishBucket({ messages: 10, bytes: 100 }, 0)
    bucket.take(1, 100, 0)
    // The message is paid for after 100 ms, and the bytes after a second.
    expect([bucket.isFull(100), bucket.isFull(1_000)]).toEqual([false, true])
  })
})

describe('the buckets of all clients', () => {
  it('are none without a limit', () => {
    expect(new PublishBuckets({ messages: undefined, bytes: undefined }).join('a', 0)).toBeUndefined()
  })

  it('are shared by the connections of a name, and remembered until their debt is paid', () => {
    const buckets = new PublishBuckets({ messages: 1, bytes: undefined })
    const first = buckets.join('user', 0)!
    const second = buckets.join('user', 0)!
    expect(second).toBe(first)
    first.take(5, 0, 0)
    buckets.leave('user', first, 0)
    expect(buckets.remembered).toBe(0)
    buckets.leave('user', second, 0)
    expect(buckets.remembered).toBe(1)
    const again = buckets.join('user', 100)!
    expect([again, again.has(1, 0, 100), buckets.remembered]).toEqual([first, false, 0])
    buckets.leave('user', again, 60_000)
    expect(buckets.remembered).toBe(0)
  })

  it('are forgotten, two with each client that leaves, once they are full again', () => {
    const buckets = new PublishBuckets({ messages: 1, bytes: undefined })
    for (const name of ['a', 'b', 'c', 'd']) {
      const bucket = buckets.join(name, 0)!
      bucket.take(1, 0, 0)
      buckets.leave(name, bucket, 0)
    }
    const last = buckets.join('last', 60_000)!
    buckets.leave('last', last, 60_000)
    expect(buckets.remembered).toBe(2)
  })

  it('are bounded in number: the one whose client left first is forgotten', () => {
    const buckets = new PublishBuckets({ messages: 1, bytes: undefined })
    const joined = Array.from({ length: 10_001 }, (_, index) => buckets.join(`${index}`, 0)!)
    for (const [index, bucket] of joined.entries()) {
      bucket.take(1, 0, 0)
      buckets.leave(`${index}`, bucket, 0)
    }
    expect(buckets.remembered).toBe(10_000)
    expect([buckets.join('0', 0) === joined[0], buckets.join('1', 0) === joined[1]]).toEqual([false, true])
  })
})
