/** Messages that are passed on over several turns, by a router that divides early. Large ones are in publications.slow.test.ts. */

import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { crowdAway, crowdWaiting, untilRead } from '../../test/helpers/crowd.ts'
import { HandlerHarness, persistent, publishPacket, subscribePacket } from '../../test/helpers/handler-harness.ts'
import { ImpatientRouter } from '../../test/helpers/impatient-router.ts'
import { MemoryStore } from '../store-memory/memory-store.ts'

/** Subscribers: a message for them takes several turns. */
const CROWD = 20

let broker: HandlerHarness
afterEach(() => broker.stop())

const message = (payload: string, fields: Parameters<typeof publishPacket>[0] = {}) =>
  publishPacket({ qos: 1, payload: Buffer.from(payload), ...fields })

/** Passes a message whose payload is `fault` on to some subscribers, and then fails. */
class FaultyRouter extends ImpatientRouter {
  constructor() {
    super(1, 1)
  }

  override publishInSteps(...parameters: Parameters<ImpatientRouter['publishInSteps']>) {
    const steps = super.publishInSteps(...parameters)
    if (parameters[0].payload.toString() !== 'fault') return steps
    const step = steps.step.bind(steps)
    steps.step = (units) => {
      if (steps.subscribers >= 3) throw new Error('a fault in the router')
      return step(units)
    }
    return steps
  }
}

it.each([1, 2] as const)(
  'a fault in the middle of a message at QoS %i costs its publisher the connection alone',
  async (qos) => {
    broker = new HandlerHarness({}, { router: new FaultyRouter() })
    crowdAway(broker, CROWD)
    const publisher = broker.connect(persistent('publisher'))
    const other = broker.connect({ clientId: 'other' })
    expect(publisher.take(message('fault', { qos }))).toEqual([])
    expect([publisher.connection.paused, broker.core.publications.isBusy('publisher')]).toEqual([true, true])
    for (let turns = 0; broker.core.publications.isBusy('publisher') && turns < 100; turns += 1) await nextTurn()
    expect(publisher.take()).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x80 }])
    expect(broker.log.at('error')).toMatchObject([{ message: 'Message not passed on', topic: 'a' }])
    other.take(message('1'))
    await untilRead(other)
    expect(other.take()).toEqual([{ cmd: 'puback', messageId: 1 }])
    expect(crowdWaiting(broker, 1) + crowdWaiting(broker, 2)).toBe(CROWD)
  },
)

it('an answer that fails leaves no client waiting', async () => {
  const store = new MemoryStore()
  broker = new HandlerHarness({}, { store, router: new ImpatientRouter(1, 1) })
  crowdAway(broker, CROWD)
  const publisher = broker.connect(persistent('publisher'))
  const append = store.append.bind(store)
  store.append = (record) => {
    if (record.type === 'received') throw new Error('a fault in the store')
    append(record)
  }
  publisher.take(message('1', { qos: 2 }))
  for (let turns = 0; broker.core.publications.isBusy('publisher') && turns < 100; turns += 1) await nextTurn()
  expect([crowdWaiting(broker, 1), publisher.connection.open]).toEqual([CROWD, false])
  store.append = append
  const other = broker.connect({ clientId: 'other' })
  other.take(message('2'))
  await untilRead(other)
  expect(other.take()).toEqual([{ cmd: 'puback', messageId: 1 }])
})

it('the answer says at the end whether all of the subscribers took the message', async () => {
  broker = new HandlerHarness(
    { maximumQueuedMessages: 1, queueFullPolicy: 'refuse' },
    { router: new ImpatientRouter(1, 1) },
  )
  crowdAway(broker, CROWD, 'a')
  const publisher = broker.connect({ clientId: 'publisher' })
  const reasonFor = async (payload: string): Promise<number> => {
    publisher.take(message(payload))
    await untilRead(publisher)
    const [answer] = publisher.take()
    return (answer as { reasonCode?: number }).reasonCode ?? 0
  }
  expect([await reasonFor('fits'), await reasonFor('does not fit')]).toEqual([0, 0x97])
  expect(crowdWaiting(broker, 1)).toBe(CROWD)
})

it('the answer says at the end that all subscribers had gone before their turn', async () => {
  broker = new HandlerHarness({}, { router: new ImpatientRouter(0, 1) })
  const subscribers = Array.from({ length: CROWD }, (_, index) => broker.connect({ clientId: `subscriber-${index}` }))
  for (const subscriber of subscribers) subscriber.take(subscribePacket({ a: {} }))
  const publishers = [broker.connect({ clientId: 'first' }), broker.connect({ clientId: 'second' })]
  for (const publisher of publishers) publisher.take(message('1'))
  expect(broker.core.publications.isBusy('second')).toBe(true)
  for (const subscriber of subscribers) subscriber.lose()
  for (const publisher of publishers) await untilRead(publisher)
  const second = publishers[1]!.take()
  expect(second).toMatchObject([{ cmd: 'puback', reasonCode: 0x10 }])
})
