import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { CROWD, crowdAway, crowdWaiting, untilRead } from '../../test/helpers/crowd.ts'
import {
  HandlerHarness,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { runOf } from '../../test/helpers/mailbox.ts'
import { restoredState } from '../../test/helpers/restored-state.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'
import { LocalRouter } from '../router/local-router.ts'
import { MemoryStore } from '../store-memory/memory-store.ts'

let broker: HandlerHarness
afterEach(() => broker.stop())

const away = (count?: number) => crowdAway(broker, count)
const waiting = (messages: number) => crowdWaiting(broker, messages)
const message = (payload: string, fields: Parameters<typeof publishPacket>[0] = {}) =>
  publishPacket({ qos: 1, payload: Buffer.from(payload), ...fields })
describe.each([1, 2] as const)(
  'a message at QoS %i for thousands of sessions that are away, in the middle of it',
  (qos) => {
    const answer = qos === 1 ? 'puback' : 'pubrec'

    beforeEach(() => {
      broker = new HandlerHarness()
      away()
    })

    it('is passed on over several turns; its publisher waits, and is answered when all have it', async () => {
      const publisher = broker.connect({ clientId: 'publisher' })
      const worked: number[] = []
      publisher.connection.chargeWork = (units) => void worked.push(units)
      expect(publisher.take(message('1', { qos }))).toEqual([])
      expect(publisher.connection.paused).toBe(true)
      // A delivery is 17 units or more, a turn 50,000.
      expect(waiting(1)).toBeLessThan(3_000)
      expect(Math.max(...worked)).toBeLessThan(25_000)
      expect(await untilRead(publisher)).toBeGreaterThanOrEqual(1)
      expect(waiting(1)).toBe(CROWD)
      expect(publisher.take()).toEqual([{ cmd: answer, messageId: 1 }])
      expect(broker.core.counters.dividedPublishes).toBe(1)
    })

    it('keeps its place before the next ones of its publisher [MQTT-4.6.0-5]', async () => {
      const subscriber = broker.connect({ clientId: 'subscriber' })
      // The last one in the order of the first message, the only one of the others.
      subscriber.take(subscribePacket({ a: {}, b: {} }))
      const publisher = broker.connect({ clientId: 'publisher' })
      // A stage in between may pass on what it held although the connection is paused.
      publisher.take(message('1', { qos }), message('2', { qos, messageId: 2, topic: 'b' }))
      publisher.take(message('3', { qos: 0, topic: 'b' }))
      expect(payloads(subscriber.sent)).toEqual([])
      await untilRead(publisher)
      expect(payloads(subscriber.take())).toEqual(['1', '2', '3'])
      expect(publisher.take()).toEqual([
        { cmd: answer, messageId: 1 },
        { cmd: answer, messageId: 2 },
      ])
    })
  },
)

describe.each([1, 2] as const)('a message at QoS %i for thousands of sessions that are away', (qos) => {
  it('reaches all of them when its publisher goes, and the Will comes behind it', async () => {
    broker = new HandlerHarness()
    away()
    const subscriber = broker.connect({ clientId: 'subscriber' })
    subscriber.take(subscribePacket({ a: {}, will: {} }))
    const will = { topic: 'will', payload: Buffer.from('will'), qos: 1 as const, retain: false }
    const publisher = broker.connect({ clientId: 'publisher', will })
    publisher.take(message('1', { qos }))
    publisher.lose()
    expect(payloads(subscriber.sent)).toEqual([])
    while (broker.core.publications.isBusy('publisher')) await nextTurn()
    expect(waiting(1)).toBe(CROWD)
    expect(payloads(subscriber.take())).toEqual(['1', 'will'])
    expect(publisher.take()).toEqual([])
  })

  it('is finished when the system stops: nothing is left half done in the store', async () => {
    const store = new MemoryStore()
    broker = new HandlerHarness({}, { store })
    away()
    const publisher = broker.connect(persistent('publisher'))
    publisher.take(message('1', { qos }))
    publisher.lose()
    expect(waiting(1)).toBeLessThan(CROWD)
    broker.stop()
    expect(waiting(1)).toBe(CROWD)
    const restored = await restoredState(store)
    expect(restored.sessions.filter(({ queue }) => queue.count === 1)).toHaveLength(CROWD)
    expect(restored.sessions.find(({ id }) => id === 'publisher')?.received).toEqual(qos === 2 ? [1] : [])
  })
})

describe('a client that comes back before its message has reached all', () => {
  const reconnected = async (fields: object) => {
    broker = new HandlerHarness()
    away()
    const publisher = broker.connect(persistent('publisher'))
    publisher.take(message('1', { qos: 2 }))
    publisher.lose()
    const again = broker.connect({ ...persistent('publisher'), ...fields })
    expect(again.connection.paused).toBe(true)
    await untilRead(again)
    return again
  }

  it('is not read before, and its message is known as received', async () => {
    const again = await reconnected({})
    expect(again.take(message('1', { qos: 2, dup: true }))).toEqual([{ cmd: 'pubrec', messageId: 1 }])
    expect(waiting(1)).toBe(CROWD)
  })

  it('is not read before, also with another session', async () => {
    const again = await reconnected({ clean: true })
    expect(again.connack).toMatchObject({ sessionPresent: false })
    expect(waiting(1)).toBe(CROWD)
  })
})

it('a subscriber that ends its session, or unsubscribes, before its turn gets nothing [MQTT-3.10.4-2]', async () => {
  broker = new HandlerHarness()
  away()
  const leaver = broker.connect({ clientId: 'leaver' })
  leaver.take(subscribePacket({ a: {} }))
  const publisher = broker.connect({ clientId: 'publisher' })
  publisher.take(message('1'))
  leaver.take({ cmd: 'unsubscribe', messageId: 6, unsubscriptions: ['a'] })
  broker.connect({ clientId: `away-${CROWD - 1}`, clean: true })
  await untilRead(publisher)
  expect(payloads(leaver.take())).toEqual([])
  expect(waiting(1)).toBe(CROWD - 1)
})

it('the answer says at the end that the full queue of one of them refused it, or that there was no subscriber', async () => {
  broker = new HandlerHarness({ maximumQueuedMessages: 1, queueFullPolicy: 'refuse' })
  away()
  const publisher = broker.connect({ clientId: 'publisher' })
  publisher.take(message('other', { topic: 'only' }))
  const full = broker.connect(persistent('away-full'))
  full.take(subscribePacket({ a: {}, only: {} }))
  full.lose()
  publisher.take(message('fills', { topic: 'only' }))
  publisher.take(message('1'))
  await untilRead(publisher)
  expect(publisher.take()).toMatchObject([{ cmd: 'puback', reasonCode: 0x97 }])
})

it('several publishers have their messages passed on at the same time, and none is forgotten', async () => {
  broker = new HandlerHarness()
  away(2_500)
  const publishers = Array.from({ length: 20 }, (_, index) => broker.connect({ clientId: `publisher-${index}` }))
  const answers = publishers.map((publisher) => publisher.take(message('1')))
  const { queuedBytes } = broker.core.gauges
  for (const publisher of publishers) await untilRead(publisher)
  expect(waiting(20)).toBe(2_500)
  for (const [index, publisher] of publishers.entries()) {
    expect([...answers[index]!, ...publisher.take()]).toEqual([{ cmd: 'puback', messageId: 1 }])
  }
  // Those that waited counted, and do not any more.
  const each = 20 * (450 + 'a1'.length)
  expect(broker.core.gauges.queuedBytes).toBe(2_500 * each)
  expect(queuedBytes).toBeLessThan(2_500 * each)
})

describe('with a store that is slow', () => {
  const slow = () => {
    const store = new SlowStore()
    broker = new HandlerHarness({}, { store }, () => store.settleAll())
    away()
    store.settleAll()
    return { store, publisher: broker.connect(persistent('publisher')) }
  }

  it('PUBACK leaves when the batch of the last of them is durable, though nothing comes after it', async () => {
    const { store, publisher } = slow()
    publisher.take(message('1'))
    store.endBatch()
    await untilRead(publisher)
    expect(publisher.take()).toEqual([])
    store.settleOldest()
    // The publisher has to be answered although the current batch is empty.
    store.settle()
    expect(publisher.take()).toEqual([{ cmd: 'puback', messageId: 1 }])
  })

  it('all of a message at QoS 2 is in one batch, with the Packet Identifier: after a crash it is there or not', () => {
    const { store, publisher } = slow()
    publisher.take(message('1', { qos: 2 }))
    store.endBatch()
    const records = store.pending
    expect(records.filter(({ type }) => type === 'queued')).toHaveLength(CROWD)
    expect(records.at(-1)).toMatchObject({ type: 'received', session: 'publisher' })
    store.settleOldest()
    expect(publisher.take()).toEqual([{ cmd: 'pubrec', messageId: 1 }])
  })
})

describe('a topic that matches very many filters', () => {
  /** Filters of `a` and `+` in 12 levels, and the topic that goes through all of them. */
  const filters = Array.from({ length: 4_096 }, (_, n) =>
    Array.from({ length: 12 }, (_, level) => ((n >> level) & 1 ? '+' : 'a')).join('/'),
  )
  const topic = filters[0]!
  const subscribed = (clients: number) => {
    const subscribers = Array.from({ length: clients }, (_, index) => broker.connect({ clientId: `s${index}` }))
    const options = Object.fromEntries(filters.map((filter) => [filter, {}]))
    for (const subscriber of subscribers) subscriber.take(subscribePacket(options))
    return subscribers
  }

  it('is found over several turns, without a message that is lost', async () => {
    broker = new HandlerHarness()
    const subscribers = subscribed(10)
    const publisher = broker.connect({ clientId: 'publisher' })
    const worked: number[] = []
    publisher.connection.chargeWork = (units) => void worked.push(units)
    publisher.take(message('1', { qos: 0, topic }))
    expect(publisher.connection.paused).toBe(true)
    expect(subscribers.flatMap(({ sent }) => sent)).toEqual([])
    expect(await untilRead(publisher)).toBeGreaterThanOrEqual(1)
    for (const subscriber of subscribers) expect(payloads(subscriber.take())).toEqual(['1'])
    // The nodes that were visited before it turned out to be too much.
    expect(worked).toEqual([10_001])
  })

  it('takes no run as a whole: each of its messages is passed on', async () => {
    broker = new HandlerHarness()
    const [subscriber] = subscribed(10)
    const publisher = broker.connect({ clientId: 'publisher' })
    expect(publisher.takesRun(runOf(topic, ['1', '2']))).toBe(false)
    expect(payloads(subscriber!.take())).toEqual([])
    publisher.take(message('1', { qos: 0, topic }), message('2', { qos: 0, topic }))
    await untilRead(publisher)
    expect(payloads(subscriber!.take())).toEqual(['1', '2'])
  })
})

it('a fault while a message is passed on costs its publisher the connection alone', async () => {
  class FaultyRouter extends LocalRouter {
    override publishInSteps(...parameters: Parameters<LocalRouter['publishInSteps']>) {
      if (parameters[0].payload.toString() === 'fault') throw new Error('a fault in the router')
      return super.publishInSteps(...parameters)
    }
  }
  broker = new HandlerHarness({}, { router: new FaultyRouter() })
  away()
  const publisher = broker.connect({ clientId: 'publisher' })
  const other = broker.connect({ clientId: 'other' })
  expect(publisher.take(message('fault'))).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x80 }])
  other.take(message('1'))
  await untilRead(other)
  expect(other.take()).toEqual([{ cmd: 'puback', messageId: 1 }])
  expect(broker.log.at('error')).toHaveLength(1)
  const again = broker.open()
  expect(again.take(connectPacket({ clientId: 'publisher' }))).toMatchObject([{ cmd: 'connack', reasonCode: 0 }])
  expect(again.connection.paused).toBe(false)
})

/** Passes on nothing whose payload is `fault`, as often as it is told. */
class FailingRouter extends LocalRouter {
  faults = 1
  /** Deliveries before the fault. */
  after = 0

  override publishInSteps(...parameters: Parameters<LocalRouter['publishInSteps']>) {
    const steps = super.publishInSteps(...parameters)
    if (parameters[0].payload.toString() !== 'fault' || this.faults === 0) return steps
    this.faults -= 1
    const step = steps.step.bind(steps)
    steps.step = (units) => {
      if (steps.subscribers >= this.after) throw new Error('a fault in the router')
      return step(units)
    }
    return steps
  }
}

describe('a fault while a message at QoS 2 is passed on', () => {
  const failing = (after: number) => {
    const router = new FailingRouter()
    router.after = after
    broker = new HandlerHarness({}, { router })
    away()
  }

  it('leaves nothing behind: the message is new when its publisher sends it again', async () => {
    failing(0)
    const publisher = broker.connect(persistent('publisher'))
    publisher.take(message('fault', { qos: 2 }))
    expect(publisher.connection.open).toBe(false)
    const again = broker.connect(persistent('publisher'))
    again.take(message('fault', { qos: 2, dup: true }))
    await untilRead(again)
    expect(again.take()).toEqual([{ cmd: 'pubrec', messageId: 1 }])
    expect(waiting(1)).toBe(CROWD)
  })

  it('does not end the connection of the publisher that came after it', async () => {
    failing(CROWD - 500)
    const publisher = broker.connect(persistent('publisher'))
    publisher.take(message('fault', { qos: 2 }))
    const again = broker.connect(persistent('publisher'))
    await untilRead(again)
    expect(broker.log.at('error')).toHaveLength(1)
    expect([again.connection.open, again.take()]).toEqual([true, []])
  })

  it('is not logged as the publication of a Will', () => {
    failing(0)
    const will = { topic: 'a', payload: Buffer.from('fault'), qos: 1 as const, retain: false }
    broker.connect({ clientId: 'publisher', will }).lose()
    expect(broker.log.at('debug').filter(({ message: text }) => text.startsWith('Will Message published'))).toEqual([])
  })
})

it('an answer that fails leaves no client waiting', async () => {
  const store = new MemoryStore()
  broker = new HandlerHarness({}, { store })
  away()
  const publisher = broker.connect(persistent('publisher'))
  const append = store.append.bind(store)
  store.append = (record) => {
    if (record.type === 'received') throw new Error('a fault in the store')
    append(record)
  }
  publisher.take(message('1', { qos: 2 }))
  for (let turns = 0; turns < 100; turns += 1) await nextTurn()
  expect(broker.core.publications.isBusy('publisher')).toBe(false)
  expect([waiting(1), publisher.connection.open]).toEqual([CROWD, false])
  store.append = append
  const other = broker.connect({ clientId: 'other' })
  other.take(message('2'))
  await untilRead(other)
  expect(other.take()).toEqual([{ cmd: 'puback', messageId: 1 }])
})

it('a session whose message is received after its client has gone is not given up as one that holds nothing', async () => {
  broker = new HandlerHarness()
  away()
  const publisher = broker.connect(persistent('publisher'))
  publisher.take(message('1', { qos: 2 }))
  publisher.lose()
  const { sessions, publications } = broker.core
  expect(sessions.away.idleCount).toBe(0)
  while (publications.isBusy('publisher')) await nextTurn()
  expect([sessions.get('publisher')!.unreleased.size, sessions.away.idleCount]).toEqual([1, 0])
})

it('a message that was received after a connection took over does not count towards its Receive Maximum', async () => {
  broker = new HandlerHarness({ receiveMaximum: 1 })
  away()
  broker.connect(persistent('publisher')).take(message('1', { qos: 2 }))
  const again = broker.connect(persistent('publisher'))
  await untilRead(again)
  // A client that has lost its state: the message before is never released.
  again.take(message('2', { qos: 2, messageId: 2 }))
  await untilRead(again)
  expect(again.take()).toEqual([{ cmd: 'pubrec', messageId: 2 }])
})

it('messages that wait to be passed on are refused when they are more than maximumTotalQueuedBytes', async () => {
  broker = new HandlerHarness({ maximumTotalQueuedBytes: 4_000 })
  const filters = Array.from({ length: 4_096 }, (_, n) =>
    Array.from({ length: 12 }, (_, level) => ((n >> level) & 1 ? '+' : 'a')).join('/'),
  )
  for (let n = 0; n < 10; n += 1) {
    broker
      .connect({ clientId: `s${n}` })
      .take(subscribePacket(Object.fromEntries(filters.map((each) => [each, { qos: 0 }]))))
    while (broker.core.scheduler.waiting > 0) await nextTurn()
  }
  const large = message('x'.repeat(1_400), { qos: 1, topic: filters[0]! })
  const publishers = [0, 1, 2].map((n) => broker.connect({ clientId: `p${n}` }))
  const answers = publishers.map((publisher) => publisher.take(large))
  expect(answers).toMatchObject([[], [], [{ cmd: 'puback', reasonCode: 0x97 }]])
  for (const publisher of publishers) await untilRead(publisher)
  expect([broker.core.gauges.queuedBytes, broker.handler.counters.refusedPublishes]).toEqual([0, 1])
})
