import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import {
  HandlerHarness,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'
import { UNITS_PER_TURN } from '../broker/turn-scheduler.ts'

let broker: HandlerHarness
beforeEach(() => {
  broker = new HandlerHarness()
})
afterEach(() => broker.stop())

const MANY = 8_000
const many = Array.from({ length: MANY }, (_, n) => `a/${n}`)
const subscribing = (filters: readonly string[]) =>
  subscribePacket(Object.fromEntries(filters.map((filter, n) => [filter, { qos: (n % 3) as 0 | 1 | 2 }])))
const unsubscribing = (filters: string[]) => ({ cmd: 'unsubscribe', messageId: 6, unsubscriptions: filters }) as const
const settled = async () => {
  while (broker.core.scheduler.waiting > 0) await nextTurn()
}

it('a packet of few filters is answered at once, and charged to its client', () => {
  const client = broker.connect()
  let charged = 0
  client.connection.chargeWork = (units) => {
    charged += units
  }
  broker.core.scheduler.spend(UNITS_PER_TURN)
  expect(client.take(subscribing(many.slice(0, 100)))).toMatchObject([{ cmd: 'suback' }])
  expect(charged).toBeGreaterThan(100 * 20)
  charged = 0
  expect(client.take(unsubscribing(many.slice(0, 100)))).toMatchObject([{ cmd: 'unsuback' }])
  expect(charged).toBeGreaterThan(100 * 15)
})

it('a packet of many filters is handled over turns and answered in the order of its filters; nothing is read meanwhile', async () => {
  const client = broker.connect()
  expect(client.take(subscribing(many))).toEqual([])
  expect(client.connection.paused).toBe(true)
  const atOnce = broker.core.router.subscriptions
  expect(atOnce).toBeGreaterThan(0)
  expect(atOnce).toBeLessThan(MANY / 2)
  await settled()
  expect(client.take()).toEqual([{ cmd: 'suback', messageId: 5, granted: many.map((_, n) => n % 3) }])
  expect(client.connection.paused).toBe(false)
  expect(broker.core.router.subscriptions).toBe(MANY)
  expect(client.take(unsubscribing([...many, 'none']))).toEqual([])
  expect(client.connection.paused).toBe(true)
  await settled()
  const codes = [...many.map(() => 0), 0x11]
  expect(client.take()).toEqual([{ cmd: 'unsuback', messageId: 6, granted: codes }])
  expect(client.connection.paused).toBe(false)
  expect(broker.core.router.subscriptions).toBe(0)
  expect(broker.core.scheduler.mostInTurn).toBeLessThan(UNITS_PER_TURN * 1.1)
})

it('several clients with such packets share the turns', async () => {
  const clients = ['1', '2', '3'].map((clientId) => broker.connect({ clientId }))
  for (const client of clients) client.take(subscribing(many))
  await nextTurn()
  await nextTurn()
  const counts = clients.map(({ connection }) => connection.paused)
  expect(counts).toEqual([true, true, true])
  const held = ['1', '2', '3'].map((id) => broker.core.sessions.get(id)!.subscriptions.size)
  expect(Math.min(...held)).toBeGreaterThan(500)
  await settled()
  for (const client of clients) expect(client.take()).toMatchObject([{ cmd: 'suback' }])
})

it('a client that goes in the middle leaves the rest out', async () => {
  const client = broker.connect(persistent())
  client.take(subscribing(many))
  client.lose()
  const left = broker.core.sessions.get('client')!.subscriptions.size
  await settled()
  expect(broker.core.sessions.get('client')!.subscriptions.size).toBe(left)
  expect(client.take()).toEqual([])
  // So does one whose session ends, or that takes its own session over.
  const other = broker.connect({ clientId: 'other' })
  other.take(subscribing(many))
  const again = broker.connect({ clientId: 'other' })
  await settled()
  expect(broker.core.router.subscriptions).toBe(left)
  expect(again.take(subscribePacket({ x: {} }))).toMatchObject([{ cmd: 'suback' }])
  expect(payloads(again.take(publishPacket({ topic: 'x' })))).toEqual(['payload'])
})

it('the answer waits for the store, also when the last filters were refused and another batch has begun', async () => {
  const store = new SlowStore()
  broker.stop()
  broker = new HandlerHarness({ maximumSubscriptions: 100 }, { store })
  const client = broker.open()
  client.take(connectPacket(persistent()))
  store.settleAll()
  client.take()
  client.take(subscribing(many))
  store.endBatch()
  await settled()
  expect(client.take()).toEqual([])
  store.settle()
  const [suback] = client.take()
  expect(suback).toMatchObject({ cmd: 'suback' })
  // Nothing was appended for this one: it has nothing to wait for.
  client.take(subscribing(many.slice(100)))
  await settled()
  expect(client.take()).toMatchObject([{ cmd: 'suback' }])
})

it('a fault at one of many filters ends the connection, as it does in a small packet', async () => {
  broker.stop()
  const authorizer = {
    mayPublish: () => 'allow' as const,
    maySubscribe: (_: unknown, filter: string) => {
      if (filter === `a/${MANY - 1}`) throw new Error('a fault in the authorizer')
      return 'allow' as const
    },
  }
  broker = new HandlerHarness({}, { authorizers: [authorizer] })
  const client = broker.connect()
  client.take(subscribing(many))
  await settled()
  expect(client.take()).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x80 }])
  expect(client.connection.open).toBe(false)
  expect(broker.log.at('error')).toHaveLength(1)
})

it('a client that was not read is not taken for silent before what it sent meanwhile is read', async () => {
  const client = broker.connect({ keepalive: 1 })
  const { keepAlive } = broker.handler
  const startMs = performance.now()
  client.take(subscribing(many))
  for (let tick = 1; tick <= 8; tick += 1) keepAlive.advance(startMs + tick * 200)
  await settled()
  expect([client.connection.paused, client.connection.open]).toEqual([false, true])
  for (let tick = 9; tick <= 14; tick += 1) expect(keepAlive.advance(startMs + tick * 200)).toEqual([])
  const silent = [15, 16, 17, 18].flatMap((tick) => keepAlive.advance(startMs + tick * 200))
  expect(silent).toHaveLength(1)
})
