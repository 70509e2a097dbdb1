import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { payloads, persistent, publishPacket, subscribePacket } from '../../test/helpers/handler-harness.ts'
import {
  acknowledged,
  FILTER,
  numbers,
  receive,
  refused,
  UnreadableStoreWorld,
} from '../../test/helpers/unreadable-store-world.ts'
import { UnreadableStore } from './unreadable-store.ts'

let world: UnreadableStoreWorld
beforeEach(() => {
  // The wheels and the ticks have the time of this clock.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  world = new UnreadableStoreWorld()
  return world.start()
})
afterEach(() => {
  world.broker.stop()
  vi.useRealTimers()
})

describe('while the store cannot be read', () => {
  it.each(['drop-oldest', 'drop-newest', 'refuse'])(
    'a publisher is served when the queue of a subscriber is full: the new message is dropped by %s',
    async (queueFullPolicy) => {
      await world.start({ maximumQueuedMessages: 3, queueFullPolicy })
      world.away()
      world.publish(1, 3)
      const before = world.counts()
      const end = world.obstruct()
      const reasonCode = queueFullPolicy === 'refuse' ? { reasonCode: ReasonCode.QuotaExceeded } : {}
      expect(world.publish(4, 4)).toMatchObject([{ cmd: 'puback', ...reasonCode }])
      expect([world.counts(), world.broker.core.counters.dropped]).toEqual([before, 1])
      end()
      const { client, packets } = world.back()
      expect(acknowledged(client, packets)).toEqual(numbers(1, 3))
    },
  )

  it('messages of a Shared Subscription wait, and go to a connected member at the first tick when it can be read', async () => {
    world.away('one', FILTER)
    world.publish(1, 40)
    const end = world.obstruct()
    const other = world.broker.connect(persistent('other'))
    other.take(subscribePacket({ [FILTER]: {} }))
    world.store.settleAll()
    for (let ticks = 0; ticks < 3; ticks += 1) await world.tick()
    expect([payloads(other.take()), world.session('one')!.waiting]).toEqual([[], 40])
    end()
    await world.tick()
    world.store.settleAll()
    expect(acknowledged(other, other.take())).toEqual(numbers(1, 40))
    expect(world.session('one')!.waiting).toBe(0)
    expect(world.broker.core.sharedBacklogs.handOver()).toMatchObject({ holders: [], offered: [], isQueued: false })
  })

  it('of many Shared Subscriptions one is tried at each tick, and all are offered when it could be read', async () => {
    const { other, end } = world.manyShared(20)
    await world.tick()
    const before = world.reads
    const { spent } = world.broker.core.scheduler
    for (let ticks = 0; ticks < 5; ticks += 1) await world.tick()
    expect(world.reads - before).toBe(5)
    expect(world.broker.core.scheduler.spent - spent).toBeGreaterThanOrEqual(5 * 100)
    end()
    await world.tick()
    world.store.settleAll()
    expect(acknowledged(other, other.take()).sort()).toEqual(numbers(1, 20).sort())
    expect(world.broker.core.sharedBacklogs.handOver()).toMatchObject({ holders: [], offered: [], isQueued: false })
  })

  it('a member that has nothing else to get does not try them, nor does its end', async () => {
    const { other } = world.manyShared(20)
    other.take(subscribePacket({ b: {} }))
    await world.tick()
    const { reads } = world
    const publisher = world.broker.connect({ clientId: 'publisher' })
    publisher.take(publishPacket({ topic: 'b', qos: 1, payload: Buffer.from('b') }))
    world.store.settleAll()
    expect(acknowledged(other, other.take())).toEqual(['b'])
    other.lose()
    expect(world.reads).toBe(reads)
  })

  it('a Shared Subscription whose member is back does not keep the others from being tried', async () => {
    const { other, end } = world.manyShared(3)
    end()
    for (const id of ['member-1', 'member-2']) world.back({}, 5, id)
    await world.tick()
    world.store.settleAll()
    expect(acknowledged(other, other.take())).toEqual(['3'])
  })

  it('a successor offers them too', () => {
    world.away('one', FILTER)
    world.publish(1, 1)
    world.obstruct()
    world.broker.connect(persistent('other')).take(subscribePacket({ [FILTER]: {} }))
    expect(world.broker.core.sharedBacklogs.handOver()).toMatchObject({ offered: [FILTER], isQueued: true })
  })

  it('a session that expires ends when it can be read: its messages go to another member, and its client gets a new one', async () => {
    world.subscribed('one', FILTER, { properties: { sessionExpiryInterval: 5 } }).lose()
    world.subscribed('two', 'b', { properties: { sessionExpiryInterval: 5 } }).lose()
    world.publish(1, 4)
    const other = world.congestedMember()
    const publisher = world.broker.connect({ clientId: 'publisher' })
    publisher.take(publishPacket({ topic: 'b', qos: 1 }))
    const end = world.obstruct()
    vi.advanceTimersByTime(10_000)
    await nextTurn()
    expect([world.session('one')?.waiting, world.session('two')?.waiting]).toEqual([4, 1])
    expect(world.broker.core.counters.expiredSessions).toBe(0)
    expect(world.broker.core.expiredSessions.items.map(({ id }) => id).sort()).toEqual(['one', 'two'])
    expect(world.back({}, 5, 'two').packets).toMatchObject(refused)
    end()
    expect(world.back({}, 5, 'two').packets).toMatchObject([{ cmd: 'connack', reasonCode: 0, sessionPresent: false }])
    await world.tick()
    expect([world.session('one'), world.broker.core.counters.expiredSessions]).toEqual([undefined, 1])
    const got = other.drain()
    world.store.settleAll()
    expect(acknowledged(other, [...got, ...other.take()])).toEqual(numbers(1, 4))
    expect(world.broker.core.gauges.queuedBytes).toBe(0)
  })

  it('of many sessions that have expired one is tried at each tick, and all end when it has ended', async () => {
    const publisher = world.broker.connect({ clientId: 'publisher' })
    const properties = { sessionExpiryInterval: 5 }
    for (const id of numbers(1, 20)) world.subscribed(id, 'a', { properties }).lose()
    publisher.take(publishPacket({ qos: 1 }))
    const end = world.obstruct()
    vi.advanceTimersByTime(10_000)
    await nextTurn()
    const before = world.reads
    for (let ticks = 0; ticks < 5; ticks += 1) await world.tick()
    expect([world.reads - before, world.broker.core.expiredSessions.size]).toEqual([5, 20])
    end()
    await world.tick()
    expect([world.broker.core.expiredSessions.size, world.broker.core.counters.expiredSessions]).toEqual([0, 20])
    expect([world.session('1'), world.session('20')]).toEqual([undefined, undefined])
  })

  it('DISCONNECT with a Session Expiry Interval of 0 ends the session for its client at once [MQTT-4.1.0-2]', () => {
    world.away()
    world.publish(1, 1_500)
    const { client } = world.back(receive(1))
    const end = world.obstruct()
    client.take({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } })
    expect(world.broker.core.expiredSessions.items.map(({ id }) => id)).toEqual(['subscriber'])
    expect(world.back().packets).toMatchObject(refused)
    expect(world.back({ clean: true }).packets).toMatchObject(refused)
    end()
    const { packets } = world.back()
    expect(packets).toMatchObject([{ cmd: 'connack', reasonCode: 0, sessionPresent: false }])
    expect(world.counts()).toMatchObject({ waiting: 0, inflight: 0, subscriptions: [], bytes: 0 })
    // The clock of the earlier session does not end this one.
    vi.advanceTimersByTime(5_000)
    expect(world.session()).toMatchObject({ connected: true })
  })

  it('DISCONNECT with a Session Expiry Interval of 0 ends the session when it can be read', async () => {
    world.away()
    world.publish(1, 1_500)
    const { client } = world.back(receive(1))
    const end = world.obstruct()
    client.take({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } })
    expect(world.session()).toMatchObject({ waiting: 1_499, inflight: 1, connected: false })
    vi.advanceTimersByTime(5_000)
    await nextTurn()
    expect(world.session()).toBeDefined()
    end()
    await world.tick()
    expect([world.session(), world.broker.core.gauges.queuedBytes]).toEqual([undefined, 0])
  })

  it('an operator who cannot end a session does not disconnect its client, whose Will is not published', () => {
    const watcher = world.subscribed('watcher', 'will')
    world.away()
    world.publish(1, 3)
    const will = { topic: 'will', payload: Buffer.from('gone'), qos: 1, retain: false } as const
    const { client } = world.back({ ...receive(1), will })
    const before = world.counts()
    const end = world.obstruct()
    expect(() => world.broker.broker.endSession('subscriber')).toThrow(UnreadableStore)
    expect([client.connection.open, client.take(), watcher.take(), world.counts()]).toEqual([true, [], [], before])
    end()
    expect(world.broker.broker.endSession('subscriber')).toBe(true)
    world.store.settleAll()
    expect([client.connection.open, payloads(watcher.take())]).toEqual([false, ['gone']])
  })

  it('an operator cannot end a session, and is told why', () => {
    world.away()
    world.publish(1, 3)
    const before = world.counts()
    const end = world.obstruct()
    expect(() => world.broker.broker.endSession('subscriber')).toThrow(UnreadableStore)
    expect(() => world.broker.broker.endSession('subscriber')).toThrow(
      'The messages of subscriber cannot be read from the store at present: MDB_PANIC',
    )
    expect(world.counts()).toEqual(before)
    end()
    expect(world.broker.broker.endSession('subscriber')).toBe(true)
    expect(world.broker.core.gauges.queuedBytes).toBe(0)
  })
})
