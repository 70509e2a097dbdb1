import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HandlerHarness, type HarnessClient, publishPacket } from '../../test/helpers/handler-harness.ts'
import { asUser, instantMethod } from '../../test/helpers/instant-method.ts'
import { runOf } from '../../test/helpers/mailbox.ts'
import type { PublishRates } from './publish-rate.ts'
import { PublishBuckets } from './rate-buckets.ts'

let broker: HandlerHarness
beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  broker.stop()
  vi.useRealTimers()
})

const rates = (): PublishRates => broker.handler.rates
const open = (config: object) => {
  broker = new HandlerHarness(config, { authenticationMethods: [instantMethod] })
}
const connect = (userName = 'alice', clientId = 'client'): HarnessClient =>
  broker.connect(asUser(userName, { clientId }))

/** Publishes until it is not read any more. @returns how many messages that were. */
const publishAll = (client: HarnessClient, payload = 'payload'): number => {
  let count = 0
  while (!client.connection.paused && count < 1_000) {
    client.take(publishPacket({ payload: Buffer.from(payload) }))
    count += 1
  }
  return count
}

describe('a client that publishes too fast', () => {
  it('is not read until its debt is paid, and nothing is dropped', () => {
    open({ maximumPublishRate: 10 })
    const client = connect()
    // The burst is one second's worth, and the message that is one too many is taken.
    expect(publishAll(client)).toBe(11)
    expect(broker.handler.counters.publishesIn[0]).toBe(11)
    expect([rates().slowed, broker.handler.counters.slowedPublishers]).toEqual([1, 1])
    vi.advanceTimersByTime(99)
    expect(client.connection.paused).toBe(true)
    vi.advanceTimersByTime(51)
    expect([client.connection.paused, rates().slowed]).toEqual([false, 0])
    expect(publishAll(client)).toBe(1)
  })

  it('publishes at the rate in the long run', () => {
    open({ maximumPublishRate: 100 })
    const client = connect()
    let count = publishAll(client)
    for (let elapsedMs = 0; elapsedMs < 10_000; elapsedMs += 10) {
      vi.advanceTimersByTime(10)
      count += publishAll(client)
    }
    expect(count).toBeGreaterThan(1_050)
    expect(count).toBeLessThanOrEqual(1_101)
  })

  it('is logged, with the value that it exceeds', () => {
    open({ maximumPublishRate: 1 })
    publishAll(connect())
    expect(broker.log.at('warn').map(({ message }) => message)).toEqual([
      'Client publishes faster than maximumPublishRate or maximumPublishBytesPerSecond allows, and is read more slowly: ' +
        'client from 127.0.0.1:50001 (MQTT 5, user alice)',
    ])
    publishAll(connect('bob', 'other'))
    expect(broker.log.at('warn')).toHaveLength(1)
  })

  it('is limited by bytes, whatever the size of a message', () => {
    open({ maximumPublishBytesPerSecond: 1_000 })
    const client = connect()
    client.take(publishPacket({ payload: Buffer.alloc(2_999) }))
    expect(client.connection.paused).toBe(true)
    vi.advanceTimersByTime(1_950)
    expect(client.connection.paused).toBe(true)
    vi.advanceTimersByTime(100)
    expect(client.connection.paused).toBe(false)
  })

  it('does not get around the limit by connecting again', () => {
    open({ maximumPublishRate: 10 })
    const client = connect()
    publishAll(client)
    client.lose()
    expect(rates().slowed).toBe(0)
    expect(publishAll(connect())).toBe(1)
  })

  it('has its runs taken as long as they are within the limit, and each of their messages counted', () => {
    open({ maximumPublishRate: 5 })
    const client = connect()
    const run = () => runOf('a', ['1', '2', '3'], 5)
    expect([client.takesRun(run()), client.takesRun(run())]).toEqual([true, false])
    expect(publishAll(client)).toBe(3)
  })

  it('without a limit, nothing is counted and no timer runs', () => {
    open({})
    const timers = vi.getTimerCount()
    const client = connect()
    expect(publishAll(client)).toBe(1_000)
    expect(vi.getTimerCount()).toBe(timers)
  })

  it('has a timer that ends when all are read again', () => {
    open({ maximumPublishRate: 10 })
    const timers = vi.getTimerCount()
    const clients = ['1', '2', '3'].map((clientId) => connect('alice', clientId))
    for (const client of clients) publishAll(client)
    expect(vi.getTimerCount()).toBe(timers + 1)
    vi.advanceTimersByTime(200)
    expect(vi.getTimerCount()).toBe(timers)
  })
})

describe('the clients of a user', () => {
  it('share the limit of the user, which is not that of another user', () => {
    open({ maximumPublishRatePerUser: 10 })
    const [one, other, bob] = [connect('alice', '1'), connect('alice', '2'), connect('bob', '3')]
    expect(publishAll(one)).toBe(11)
    expect(publishAll(other)).toBe(1)
    expect(publishAll(bob)).toBe(11)
    const [line] = broker.log.at('warn')
    expect(line?.message).toContain('maximumPublishRatePerUser or maximumPublishBytesPerSecondPerUser')
  })

  it('wait longer when others have published meanwhile', () => {
    open({ maximumPublishRatePerUser: 10 })
    const [one, other] = [connect('alice', '1'), connect('alice', '2')]
    publishAll(one)
    for (let count = 0; count < 20; count += 1) other.take(publishPacket())
    vi.advanceTimersByTime(1_000)
    expect([one.connection.paused, other.connection.paused]).toEqual([true, true])
    vi.advanceTimersByTime(1_200)
    expect([one.connection.paused, other.connection.paused]).toEqual([false, false])
  })
})

it('the buckets of clients that have gone are kept until they are full, in a limited number', () => {
  open({})
  const buckets = new PublishBuckets({ messages: 10, bytes: undefined })
  for (let count = 0; count < 10_100; count += 1) {
    const bucket = buckets.join(`${count}`, 0)!
    bucket.take(10, 0, 0)
    buckets.leave(`${count}`, bucket, 0)
  }
  expect(buckets.remembered).toBe(10_000)
  const last = buckets.join('last', 2_000)!
  buckets.leave('last', last, 2_000)
  expect(buckets.remembered).toBe(9_998)
})
