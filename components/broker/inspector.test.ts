import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { HandlerHarness, persistent, publishPacket, subscribePacket } from '../../test/helpers/handler-harness.ts'

let harness: HandlerHarness
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  harness = new HandlerHarness()
})
afterEach(() => {
  harness.stop()
  vi.useRealTimers()
})

const inspector = () => harness.broker.inspector

it('counts clients, sessions, subscriptions and retained messages', () => {
  const [away, here] = [harness.connect(persistent('away')), harness.connect({ clientId: 'here' })]
  away.take(subscribePacket({ 'a/#': { qos: 1 }, b: { qos: 0 } }))
  away.lose()
  here.take(publishPacket({ topic: 'a', retain: true }))
  expect(inspector().counts).toEqual({ clients: 1, sessions: 2, subscriptions: 2, retained: 1 })
  expect([...inspector().clients()].map(({ id, session }) => [id, session.connected])).toEqual([['here', true]])
  expect([...inspector().sessions()].map((row) => [row!.id, row!.connected, row!.subscriptions])).toEqual([
    ['away', false, 2],
    ['here', true, 0],
  ])
})

it('a session that ends while the lists are read is in none of them any more', () => {
  for (const id of ['a', 'b', 'c'])
    harness.connect({ clientId: id }).take(subscribePacket({ [`of/${id}`]: { qos: 1 } }))
  const walks = [inspector().clients(), inspector().sessions(), inspector().subscriptions()].map((each) =>
    each[Symbol.iterator](),
  )
  for (const walk of walks) walk.next()
  harness.broker.endSession('b')
  const rest = walks.map((walk) => [...walk].filter((row) => row !== undefined))
  expect(rest).toMatchObject([
    [{ id: 'c' }],
    [{ id: 'c' }],
    [
      { clientId: 'a', filter: 'of/a', qos: 1 },
      { clientId: 'c', filter: 'of/c' },
    ],
  ])
})

it('the session whose subscriptions are read may end meanwhile', () => {
  for (const steps of [1, 2]) {
    harness.connect({ clientId: 'a' }).take(subscribePacket({ x: {}, y: {} }))
    const walk = inspector().subscriptions()[Symbol.iterator]()
    for (let step = 0; step < steps; step += 1) walk.next()
    harness.broker.endSession('a')
    expect([...walk]).toEqual([])
  }
})

it('a retained message that has expired is in no list, and its level only if others are below it', () => {
  const client = harness.connect({ clientId: 'a' })
  const expires = { messageExpiryInterval: 5 }
  client.take(
    publishPacket({ topic: 'room', retain: true, properties: expires }),
    publishPacket({ topic: 'room/light', retain: true }),
    publishPacket({ topic: 'other', retain: true, properties: expires }),
  )
  const read = () => ({
    levels: [...inspector().topics(undefined)].map((level) => level && [level.level, level.message?.topic]),
    found: inspector()
      .retained('#', 0, { looked: 100, found: 100, last: Number.POSITIVE_INFINITY })
      .messages.map(({ topic }) => topic),
    single: inspector().retainedMessage('other')?.topic,
  })
  expect(read()).toEqual({
    levels: [
      ['room', 'room'],
      ['other', 'other'],
    ],
    found: ['room', 'room/light', 'other'],
    single: 'other',
  })
  // The broker has not removed them yet.
  vi.spyOn(harness.core, 'now').mockReturnValue(harness.core.now() + 5_001)
  expect(read()).toEqual({ levels: [['room', undefined], undefined], found: ['room/light'], single: undefined })
})
