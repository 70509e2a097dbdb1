import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
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
  broker = new HandlerHarness({ maximumInflight: 20_000, initialInflight: 20_000, maximumQueuedMessages: 20_000 })
  const publisher = broker.connect({ clientId: 'publisher' })
  for (let n = 0; n < 3_000; n++) {
    publisher.take(publishPacket({ topic: `r/${n}`, retain: true, qos: 1, payload: Buffer.from(`${n}`) }))
  }
})
afterEach(() => broker.stop())

/** All of them find all: too many steps for one turn. */
const filters = { 'r/#': {}, 'r/+': {}, '+/#': {}, '+/+': {}, '#': {} }

it('a client that comes back before all of them are in its queue gets each once for each subscription', async () => {
  const client = broker.connect(persistent())
  client.connection.congested = true
  client.take(subscribePacket(filters))
  client.lose()
  expect(broker.core.sessions.get('client')?.outbox.waiting).toBeLessThan(15_000)
  const again = broker.open()
  const got = payloads(again.take(connectPacket(persistent())))
  for (let turn = 0; turn < 20; turn++) await nextTurn()
  got.push(...payloads(again.take()))
  expect(got).toHaveLength(15_000)
  expect(new Set(got).size).toBe(3_000)
})

it('the sender of retained messages searches for a session one at a time, however often its client comes and goes', async () => {
  const searchers = new Set<object>()
  const mayGoOn = broker.core.scheduler.mayGoOn.bind(broker.core.scheduler)
  vi.spyOn(broker.core.scheduler, 'mayGoOn').mockImplementation((searcher) => {
    searchers.add(searcher)
    return mayGoOn(searcher)
  })
  for (let connections = 0; connections < 10; connections++) {
    const client = broker.connect(persistent())
    client.take(subscribePacket(filters))
    client.lose()
  }
  expect(searchers.size).toBe(1)
})

it('the sender of retained messages sends each of many topics once to a client that stops reading, though others come and go meanwhile', async () => {
  const publisher = broker.connect({ clientId: 'gardener' })
  const client = broker.connect()
  client.connection.congested = true
  client.take(subscribePacket({ 'r/+': { qos: 0 } }))
  const got: string[] = []
  for (let n = 0; n < 1_500; n++) {
    publisher.take(publishPacket({ topic: `r/${2 * n}`, retain: true, payload: Buffer.alloc(0) }))
    if (n % 100 === 0) {
      got.push(...payloads(client.drain()))
      client.connection.congested = true
      await nextTurn()
    }
  }
  got.push(...payloads(client.drain()))
  for (let turn = 0; turn < 20; turn++) await nextTurn()
  got.push(...payloads(client.take()))
  const odd = got.filter((payload) => payload !== '' && Number(payload) % 2 === 1)
  expect(odd).toHaveLength(1_500)
  expect(new Set(odd).size).toBe(1_500)
})

describe('the work of a turn', () => {
  const WIDE = 8_000
  /** The most units of any turn from now on. */
  const watched = () => {
    const { scheduler } = broker.core
    scheduler.mostInTurn = 0
    scheduler.turns = 0
    return scheduler
  }
  beforeEach(async () => {
    const publisher = broker.connect({ clientId: 'publisher' })
    for (let n = 0; n < WIDE; n++) publisher.take(publishPacket({ topic: `wide/${n}/a`, retain: true }))
    await nextTurn()
  })

  it('is bounded where a filter leads through all topics and finds none', async () => {
    const scheduler = watched()
    const clients = Array.from({ length: 20 }, (_, n) => broker.connect({ clientId: `${n}` }))
    for (const client of clients) {
      expect(client.take(subscribePacket({ 'wide/+/none': { qos: 0 } }))).toMatchObject([{ cmd: 'suback' }])
    }
    while (scheduler.waiting > 0) await nextTurn()
    expect(scheduler.mostInTurn).toBeLessThan(UNITS_PER_TURN * 1.1)
    expect(scheduler.turns).toBeGreaterThanOrEqual(3)
    for (const client of clients) expect(client.take()).toEqual([])
  })

  it('is bounded where it finds all of them', async () => {
    const scheduler = watched()
    const client = broker.connect()
    const got = payloads(client.take(subscribePacket({ '#': { qos: 0 } })))
    while (scheduler.waiting > 0) await nextTurn()
    got.push(...payloads(client.take()))
    expect(got).toHaveLength(3_000 + WIDE)
    expect(scheduler.mostInTurn).toBeLessThan(UNITS_PER_TURN * 1.1)
    expect(scheduler.turns).toBeGreaterThan(3)
  })

  it('finds what it looks for though topics come meanwhile, and the tree is another one', async () => {
    const publisher = broker.connect({ clientId: 'publisher' })
    publisher.take(publishPacket({ topic: 'wide/x/rare', retain: true, payload: Buffer.from('rare') }))
    const client = broker.connect()
    // The search starts, and continues in the next turn.
    broker.core.scheduler.spend(UNITS_PER_TURN - 4_000)
    const got = payloads(client.take(subscribePacket({ 'wide/+/rare': { qos: 0 } })))
    expect(got).toEqual([])
    publisher.take(publishPacket({ topic: 'wide/1/rare', retain: true, payload: Buffer.from('new') }))
    while (broker.core.scheduler.waiting > 0) await nextTurn()
    // What came after the subscription was published to it.
    expect(payloads(client.take()).sort()).toEqual(['new', 'rare'])
  })
})
