import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import {
  HandlerHarness,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'

let broker: HandlerHarness
beforeEach(() => start())
afterEach(() => broker.stop())
const start = (config: object = {}) => {
  broker?.stop()
  broker = new HandlerHarness(config)
}

const will = { topic: 'will', payload: Buffer.alloc(96), qos: 1 as const, retain: false }
const cost = 450 + 100
const delayed = { ...will, properties: { willDelayInterval: 60 } }
const counted = () => {
  const { willBytes, queuedBytes } = broker.core.gauges
  return { willBytes, queuedBytes }
}
const only = (bytes: number) => ({ willBytes: bytes, queuedBytes: bytes })
const connack = (fields: object, version: 4 | 5 = 5) => broker.open(version).take(connectPacket(fields))[0]

describe('the bytes of Wills', () => {
  it('count until the client sends DISCONNECT', () => {
    const client = broker.connect({ will })
    expect(counted()).toEqual(only(cost))
    client.take({ cmd: 'disconnect' })
    expect(counted()).toEqual(only(0))
  })
  it('count until the Will is published, with the end of the session or before', () => {
    broker.connect({ will }).lose()
    expect(counted()).toEqual(only(0))
    broker.connect(persistent('client', { will: delayed })).lose()
    expect(counted()).toEqual(only(cost))
    broker.connect({ clean: true })
    expect(counted()).toEqual(only(0))
  })
  it('count again when the client comes back', () => {
    broker.connect(persistent('client', { will: delayed })).lose()
    broker.connect(persistent('client', { will: { ...delayed, payload: Buffer.alloc(6) } }))
    expect(counted()).toEqual(only(cost - 90))
  })
  it('count after a restart', async () => {
    const store = new SlowStore()
    broker.stop()
    broker = new HandlerHarness({}, { store }, () => store.settleAll())
    broker.connect(persistent('client', { will: delayed }))
    store.settleAll()
    broker.stop()
    broker = new HandlerHarness({}, { store: store.crash() })
    await broker.core.restore()
    expect(counted()).toEqual(only(cost))
  })
  it('end at maximumTotalQueuedBytes: a client with one more is refused, and nothing happens to its session', () => {
    start({ maximumTotalQueuedBytes: 2 * cost })
    for (const clientId of ['1', '2']) broker.connect({ clientId, will })
    expect(connack({ clientId: '3', will })).toMatchObject({ cmd: 'connack', reasonCode: 0x97 })
    expect(connack({ clientId: '3', will }, 4)).toMatchObject({ cmd: 'connack', returnCode: 3 })
    expect(connack({ clientId: '3' })).toMatchObject({ cmd: 'connack', reasonCode: 0 })
    // One that takes the place of another finds room.
    expect(connack({ clientId: '2', will })).toMatchObject({ cmd: 'connack', reasonCode: 0 })
    expect(counted()).toEqual(only(2 * cost))
  })
  it('leave less to messages that wait, and full queues keep no client with a Will out', () => {
    start({ maximumTotalQueuedBytes: 2 * cost })
    const subscriber = broker.connect(persistent('subscriber'))
    subscriber.take(subscribePacket({ a: {} }))
    const publisher = broker.connect({ clientId: 'publisher' })
    publisher.take(publishPacket({ qos: 1, payload: Buffer.alloc(cost) }))
    expect(connack({ clientId: '1', will })).toMatchObject({ reasonCode: 0 })
    publisher.take(publishPacket({ qos: 1, payload: Buffer.from('late') }))
    expect(payloads(subscriber.take())).not.toContain('late')
    expect(broker.core.counters.dropped).toBe(1)
  })
})

describe.each([3, 4, 5] as const)('a Will on a topic that begins with $, of a client of version %i,', (version) => {
  const bridge = {
    will: { topic: '$SYS/broker/connection/bridge/state', payload: Buffer.from('0'), qos: 1 as const, retain: true },
  }
  const warnings = () => broker.log.at('warn').map(({ willTopic }) => willTopic)

  it('refuses no client: it is logged at once, and dropped and counted when it is due', () => {
    const watcher = broker.connect({ clientId: 'watcher' })
    watcher.take(subscribePacket({ '$SYS/#': {} }))
    const client = broker.connect(bridge, version)
    expect(client.connection.open).toBe(true)
    expect(client.connack).toMatchObject(version === 5 ? { reasonCode: 0 } : { returnCode: 0 })
    expect(warnings()).toEqual([bridge.will.topic])
    expect(broker.core.counters.refusedWills).toBe(0)
    client.lose()
    expect(broker.core.counters.refusedWills).toBe(1)
    expect(warnings()).toEqual([bridge.will.topic])
    expect(watcher.take()).toEqual([])
    expect(broker.core.retained.messages.count).toBe(0)
    expect(counted()).toEqual(only(0))
  })

  it('is not counted when the client sends DISCONNECT', () => {
    broker.connect(bridge, version).take({ cmd: 'disconnect' })
    expect(broker.core.counters.refusedWills).toBe(0)
  })
})

it('a Will that may no longer be published when it is due is counted and logged', () => {
  let allowed = true
  const authorizer = {
    mayPublish: () => (allowed ? ('allow' as const) : ('deny' as const)),
    maySubscribe: () => 'allow' as const,
  }
  broker.stop()
  broker = new HandlerHarness({}, { authorizers: [authorizer] })
  const client = broker.connect({ will })
  allowed = false
  client.lose()
  expect(broker.core.counters.refusedWills).toBe(1)
  expect(broker.log.at('warn')).toContainEqual(expect.objectContaining({ topic: 'will' }))
})

describe('a Will Delay Interval', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    start()
  })
  afterEach(() => vi.useRealTimers())

  /** When the Will of a client comes that is lost so long after the last tick of the broker, and what was promised. */
  const lateBy = (delaySeconds: number, lostAfterMs: number): number => {
    const watcher = broker.connect({ clientId: 'watcher' })
    watcher.take(subscribePacket({ will: {} }))
    const properties = { willDelayInterval: delaySeconds }
    const client = broker.connect(persistent('client', { will: { ...will, properties } }))
    vi.advanceTimersByTime(lostAfterMs)
    client.lose()
    const lostAtMs = performance.now()
    vi.advanceTimersByTime(delaySeconds * 1000 - 1)
    expect(watcher.sent).toEqual([])
    while (watcher.sent.length === 0) vi.advanceTimersByTime(1)
    return performance.now() - lostAtMs - delaySeconds * 1000
  }

  it.each([1, 2, 3, 100, 300])('of %i s is over on time, or at most half a second late', (delaySeconds) => {
    for (let lostAfterMs = 1; lostAfterMs < 1000; lostAfterMs += 83) {
      const lateMs = lateBy(delaySeconds, lostAfterMs)
      expect(lateMs).toBeGreaterThanOrEqual(0)
      expect(lateMs).toBeLessThanOrEqual(500)
    }
  })
})
