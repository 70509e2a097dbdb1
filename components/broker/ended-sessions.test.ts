import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import {
  HandlerHarness,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'
import { UNITS_PER_TURN } from './turn-scheduler.ts'

let broker: HandlerHarness
beforeEach(() => {
  broker = new HandlerHarness()
})
afterEach(() => broker.stop())

const fillTurn = () => broker.core.scheduler.spend(UNITS_PER_TURN)
const filters = (count: number, prefix = 'a') =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`${prefix}/${n}`, { qos: 1 as const }]))
const publish = (topic: string, qos: 0 | 1 = 1) =>
  broker.connect({ clientId: 'publisher' }).take(publishPacket({ topic, qos }))
const subscriptions = () => broker.core.router.subscriptions
const bytes = () => broker.core.gauges.subscriptionBytes
const settled = async () => {
  while (broker.core.scheduler.waiting > 0) await nextTurn()
}

it('a few subscriptions are removed at once', () => {
  const client = broker.connect()
  client.take(subscribePacket(filters(50)))
  client.lose()
  expect([subscriptions(), bytes()]).toEqual([0, 0])
})

it('the subscriptions of many sessions that end at once are removed over turns', async () => {
  const clients = Array.from({ length: 50 }, (_, n) => broker.connect({ clientId: `${n}` }))
  for (const client of clients) {
    for (let part = 0; part < 2; part++) client.take(subscribePacket(filters(90, `a/${part}`)))
  }
  await settled()
  expect(subscriptions()).toBe(9_000)
  const before = bytes()
  for (const client of clients) client.lose()
  const left = subscriptions()
  expect(left).toBeGreaterThan(5_000)
  expect(bytes() / before).toBeCloseTo(left / 9_000, 3)
  expect(broker.core.sessions.count).toBe(0)
  let turns = 0
  for (; subscriptions() > 0; turns++) await nextTurn()
  expect(turns).toBeGreaterThan(1)
  expect([bytes(), broker.core.endedSessions.count]).toEqual([0, 0])
  expect(broker.core.scheduler.mostInTurn).toBeLessThan(UNITS_PER_TURN * 1.1)
})

it('a session that has ended gets nothing meanwhile, and one with the same identifier is another one', async () => {
  const client = broker.connect()
  client.take(subscribePacket(filters(10)))
  fillTurn()
  client.lose()
  publish('a/1')
  publish('a/1', 0)
  expect(broker.core.gauges.queuedBytes).toBe(0)
  expect([broker.handler.counters.droppedQoS0, broker.core.counters.dropped]).toEqual([0, 0])
  const again = broker.connect()
  expect(again.connack).toMatchObject({ sessionPresent: false })
  again.take(subscribePacket({ 'a/1': {} }))
  publish('a/1')
  publish('a/2')
  expect(payloads(again.take())).toEqual(['payload'])
  expect(subscriptions()).toBe(11)
  await settled()
  expect(subscriptions()).toBe(1)
  publish('a/1')
  expect(payloads(again.take())).toEqual(['payload'])
  again.lose()
  expect([subscriptions(), bytes()]).toEqual([0, 0])
})

it('the store gets the end of the session at once', () => {
  const store = new SlowStore()
  broker.stop()
  broker = new HandlerHarness({}, { store }, () => store.settleAll())
  const client = broker.connect(persistent())
  client.take(subscribePacket(filters(10)))
  store.settleAll()
  fillTurn()
  client.take({ cmd: 'disconnect', properties: { sessionExpiryInterval: 0 } })
  expect(store.pending).toEqual([{ type: 'session-ended', session: 'client' }])
  expect(subscriptions()).toBe(10)
})

it('a member of a Shared Subscription that has ended passes its messages on, at any QoS', async () => {
  const members = ['1', '2', '3'].map((clientId) => broker.connect({ clientId }))
  for (const member of members) member.take(subscribePacket({ '$share/g/a': { qos: 1 } }))
  const away = broker.connect(persistent('away'))
  away.take(subscribePacket({ '$share/g/a': { qos: 1 } }))
  away.lose()
  fillTurn()
  for (const member of members) member.lose()
  for (let n = 0; n < 6; n++) publish('a')
  expect(broker.core.sessions.get('away')?.outbox.waiting).toBe(6)
  await settled()
  expect(subscriptions()).toBe(1)
  const present = broker.connect({ clientId: 'present' })
  present.take(subscribePacket({ '$share/g/a': { qos: 1 } }))
  fillTurn()
  const other = broker.connect({ clientId: 'other' })
  other.take(subscribePacket({ '$share/g/a': { qos: 1 } }))
  other.lose()
  for (let n = 0; n < 4; n++) publish('a', 0)
  expect(payloads(present.take())).toHaveLength(4)
})

it('passes a message on from any number of members that have ended, and drops it when there is no other', async () => {
  const members = Array.from({ length: 5_000 }, (_, n) => broker.connect({ clientId: `${n}` }))
  for (const member of members) member.take(subscribePacket({ '$share/g/a': { qos: 1 } }))
  await settled()
  fillTurn()
  for (const member of members) member.lose()
  publish('a')
  expect(subscriptions()).toBe(0)
  await settled()
  expect(broker.core.gauges).toMatchObject({ queuedBytes: 0, subscriptionBytes: 0 })
})

it('messages that wait for sessions that end at once are released over turns', async () => {
  const clients = Array.from({ length: 30 }, (_, n) => broker.connect({ clientId: `${n}` }))
  for (const client of clients) {
    client.connection.congested = true
    client.take(subscribePacket({ a: { qos: 1 } }))
  }
  const publisher = broker.connect({ clientId: 'publisher' })
  for (let n = 0; n < 1_000; n++) publisher.take(publishPacket({ qos: 1 }))
  await settled()
  const before = broker.core.gauges.queuedBytes
  for (const client of clients) client.lose()
  expect(broker.core.gauges.queuedBytes).toBeGreaterThan(before / 2)
  await settled()
  expect([subscriptions(), broker.core.gauges.queuedBytes]).toEqual([0, 0])
  expect(broker.core.scheduler.mostInTurn).toBeLessThan(UNITS_PER_TURN * 1.2)
})

it('all subscriptions are removed when the broker stops', () => {
  const client = broker.connect()
  client.take(subscribePacket(filters(50)))
  fillTurn()
  client.lose()
  expect(subscriptions()).toBe(50)
  broker.stop()
  expect([subscriptions(), bytes()]).toEqual([0, 0])
})

it('the publisher is told when the member that a message is passed on to refuses it', () => {
  broker.stop()
  broker = new HandlerHarness({ maximumQueuedMessages: 1, queueFullPolicy: 'refuse' })
  const members = ['1', '2', '3', '4'].map((clientId) => broker.connect({ clientId }))
  const full = broker.connect(persistent('full'))
  for (const each of [...members, full]) each.take(subscribePacket({ '$share/g/a': { qos: 1 } }))
  full.lose()
  fillTurn()
  for (const member of members) member.lose()
  const publisher = broker.connect({ clientId: 'publisher' })
  const codes = [1, 2].map((messageId) => publisher.take(publishPacket({ topic: 'a', qos: 1, messageId }))[0])
  expect(codes).toMatchObject([
    { cmd: 'puback', messageId: 1 },
    { cmd: 'puback', messageId: 2, reasonCode: ReasonCode.QuotaExceeded },
  ])
  expect(codes[0]).not.toHaveProperty('reasonCode')
})

it('a message that many members pass on, since they have ended, is charged for all of them', () => {
  const members = Array.from({ length: 100 }, (_, n) => broker.connect({ clientId: `${n}` }))
  for (const each of [...members, broker.connect(persistent('last'))]) {
    each.take(subscribePacket({ '$share/g/a': { qos: 1 } }))
    if (!members.includes(each)) each.lose()
  }
  fillTurn()
  for (const member of members) member.lose()
  const publisher = broker.connect({ clientId: 'publisher' })
  let charged = 0
  publisher.connection.chargeWork = (units) => {
    charged += units
  }
  const publishTo = () => publisher.take(publishPacket({ topic: 'a', qos: 1 }))
  for (let n = 0; n < 100; n += 1) publishTo()
  expect(broker.core.sessions.get('last')!.outbox.waiting).toBe(100)
  expect(charged).toBeGreaterThan(100 * 25)
})
