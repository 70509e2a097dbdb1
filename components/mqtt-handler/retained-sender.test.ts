import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import {
  connectPacket,
  HandlerHarness,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'

let broker: HandlerHarness
beforeEach(() => {
  broker = new HandlerHarness({ maximumInflight: 20_000, maximumQueuedMessages: 20_000 })
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
  expect(broker.handler.sessions.get('client')?.outbox.waiting).toBeLessThan(15_000)
  const again = broker.open()
  const got = payloads(again.take(connectPacket(persistent())))
  for (let turn = 0; turn < 20; turn++) await nextTurn()
  got.push(...payloads(again.take()))
  expect(got).toHaveLength(15_000)
  expect(new Set(got).size).toBe(3_000)
})

it('searches for a session one at a time, however often its client comes and goes', async () => {
  const searchers = new Set<object>()
  const mayGoOn = broker.handler.scheduler.mayGoOn.bind(broker.handler.scheduler)
  vi.spyOn(broker.handler.scheduler, 'mayGoOn').mockImplementation((searcher) => {
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

it('sends each of many topics once to a client that stops reading, though others come and go meanwhile', async () => {
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
