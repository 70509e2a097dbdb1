import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import {
  HandlerHarness,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { UNITS_PER_TURN } from './turn-scheduler.ts'

let broker: HandlerHarness
beforeEach(() => {
  // The wheels have the time of this clock.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  broker = new HandlerHarness()
})
afterEach(() => {
  broker.stop()
  vi.useRealTimers()
})

const fillTurn = () => broker.core.scheduler.spend(UNITS_PER_TURN)
const pass = (seconds: number) => vi.advanceTimersByTime(seconds * 1_000 + 600)
const mostInTurn = () => broker.core.scheduler.mostInTurn
const will = { topic: 'will', payload: Buffer.from('x'), qos: 1 as const, retain: false }
const shortly = (clientId: string, fields = {}) =>
  persistent(clientId, { properties: { sessionExpiryInterval: 5 }, ...fields })

it('sessions that expire in the same tick end over turns', async () => {
  for (let n = 0; n < 3_000; n++) broker.connect(shortly(`${n}`)).lose()
  await nextTurn()
  pass(5)
  const { sessions } = broker.core
  expect(sessions.count).toBeGreaterThan(1_000)
  expect(sessions.count).toBeLessThan(3_000)
  let turns = 0
  for (; sessions.count > 0; turns++) await nextTurn()
  expect(turns).toBeGreaterThan(1)
  expect(mostInTurn()).toBeLessThan(UNITS_PER_TURN * 1.1)
  expect(broker.core.sessions.away.count).toBe(0)
})

it('a client that comes back while its session waits for its end begins a new one, after the Will of the old one', () => {
  const witness = broker.connect({ clientId: 'witness' })
  witness.take(subscribePacket({ will: {} }))
  const delayed = { ...will, properties: { willDelayInterval: 100 } }
  broker.connect(shortly('client', { will: delayed })).lose()
  fillTurn()
  pass(5)
  expect(broker.core.sessions.get('client')).toBeDefined()
  const again = broker.connect(persistent())
  expect(again.connack).toMatchObject({ reasonCode: 0, sessionPresent: false })
  expect(payloads(witness.take())).toEqual(['x'])
  expect(broker.core.expiredSessions.size).toBe(0)
})

it('an expired session ends with its Will in one step, so that neither can be lost alone', async () => {
  broker.connect(persistent('mourner')).take(subscribePacket({ will: {} }))
  broker.connect(shortly('client', { will: { ...will, properties: { willDelayInterval: 100 } } })).lose()
  fillTurn()
  pass(5)
  const records: string[] = []
  const append = broker.core.journal.append.bind(broker.core.journal)
  broker.core.journal.append = (record) => {
    records.push(record.type)
    append(record)
  }
  const turn = nextTurn()
  expect(records).toEqual([])
  await turn
  expect(records).toEqual(['session-ended', 'queued'])
})

it('clients that fall silent in the same tick are disconnected over turns', async () => {
  const clients = Array.from({ length: 1_000 }, (_, n) => broker.connect({ clientId: `${n}`, keepalive: 2 }))
  await nextTurn()
  pass(3)
  const open = () => clients.filter(({ connection }) => connection.open).length
  expect(open()).toBeGreaterThan(500)
  expect(open()).toBeLessThan(1_000)
  while (open() > 0) await nextTurn()
  expect(mostInTurn()).toBeLessThan(UNITS_PER_TURN * 1.1)
})

it('a client that is accepted, or goes, before its turn to be disconnected comes is left alone', async () => {
  const [late, gone] = [broker.open(), broker.open()]
  fillTurn()
  pass(10)
  expect(broker.handler.silentClients.size).toBe(2)
  late.take(connectPacket({ clientId: 'late' }))
  gone.lose()
  expect(broker.handler.silentClients.size).toBe(0)
  await nextTurn()
  expect(late.connection.open).toBe(true)
})

it('retained messages that expire in the same tick are removed over turns', async () => {
  const publisher = broker.connect({ clientId: 'publisher' })
  const properties = { messageExpiryInterval: 1 }
  for (let n = 0; n < 5_000; n++) publisher.take(publishPacket({ topic: `a/${n}`, retain: true, properties }))
  await nextTurn()
  const { messages } = broker.core.retained
  expect([messages.count, messages.expiring]).toEqual([5_000, 5_000])
  pass(1)
  expect(messages.count).toBeGreaterThan(1_000)
  expect(messages.count).toBeLessThan(5_000)
  while (messages.count > 0) await nextTurn()
  expect(mostInTurn()).toBeLessThan(UNITS_PER_TURN * 1.1)
  // A tick without anything to look for costs nothing.
  const { spent } = broker.core.scheduler
  pass(1)
  expect(broker.core.scheduler.spent).toBe(spent)
})
