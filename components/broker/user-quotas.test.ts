import { afterEach, describe, expect, it } from 'vitest'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import {
  HandlerHarness,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { ImpatientRouter } from '../../test/helpers/impatient-router.ts'
import { asUser, instantMethod } from '../../test/helpers/instant-method.ts'
import { MemoryStore } from '../store-memory/memory-store.ts'
import { subscriptionCost } from './subscription-cost.ts'

let broker: HandlerHarness
afterEach(() => broker.stop())

const start = (config: object, parts: object = {}) => {
  broker = new HandlerHarness(config, { authenticationMethods: [instantMethod], ...parts })
}
/** CONNECT of a user; the session outlives the connection. */
const fieldsOf = (user: string, clientId: string, fields: object = {}) => asUser(user, persistent(clientId, fields))
const connect = (user: string, clientId: string, fields: object = {}) =>
  broker.connect(fieldsOf(user, clientId, fields))
const connack = (user: string, clientId: string, fields: object = {}) =>
  broker.open().take(connectPacket(fieldsOf(user, clientId, fields)))[0]
const quotaOf = (user: string | undefined) => broker.core.quotas.find(user)
describe('sessions', () => {
  it('of one user are half of maximumSessions at most: another user always gets one', () => {
    start({ maximumSessions: 4 })
    const held = ['1', '2'].map((clientId) => connect('alice', clientId))
    for (const client of held) client.take(subscribePacket({ a: {} }))
    expect(connack('alice', '3')).toMatchObject({
      reasonCode: 0x97,
      properties: { reasonString: 'The user has as many sessions as maximumSessionsPerUser allows.' },
    })
    expect([connack('bob', '4'), connack('alice', '1')]).toMatchObject([{ reasonCode: 0 }, { reasonCode: 0 }])
    expect(broker.core.counters.refusedSessionsOfUser).toBe(1)
  })

  it('that hold nothing end for a new one of the same user, the longest away first', () => {
    start({ maximumSessions: 100, maximumSessionsPerUser: 2 })
    connect('bob', 'of bob').lose()
    for (const clientId of ['1', '2', '3']) connect('alice', clientId).lose()
    expect([...broker.core.sessions].map(({ id }) => id)).toEqual(['of bob', '2', '3'])
    connect('alice', '2')
    connect('alice', '3')
    expect(connack('alice', '4')).toMatchObject({ reasonCode: 0x97 })
  })

  it('without a client are half of maximumAwaySessions at most', () => {
    start({ maximumSessions: 100, maximumAwaySessions: 4 })
    const held = ['1', '2'].map((clientId) => connect('alice', clientId))
    for (const client of held) {
      client.take(subscribePacket({ a: {} }))
      client.lose()
    }
    expect(connack('alice', '3')).toMatchObject({ reasonCode: 0x97 })
    expect(broker.connect(asUser('alice', { clientId: '3' })).connack).toMatchObject({ reasonCode: 0 })
    expect(connack('bob', '4')).toMatchObject({ reasonCode: 0 })
  })

  it('of clients without a user are half of maximumSessions together while there are users, and all of them otherwise', () => {
    broker = new HandlerHarness({ maximumSessions: 4 })
    const { sessions, quotas } = broker.core
    for (const clientId of ['1', '2', '3']) broker.connect({ clientId })
    expect(sessions.roomProblem(undefined, false)).toBeUndefined()
    const session = sessions.create(
      { clientId: 'of alice', userName: 'alice', peer: broker.open().connection.peer },
      'alice',
      false,
    )
    expect(sessions.roomProblem(undefined, false)).toBe(
      'The clients without a user have as many sessions as half of maximumSessions allows.',
    )
    sessions.end(session)
    expect([sessions.roomProblem(undefined, false), quotas.count]).toEqual([undefined, 0])
  })
})

describe('subscriptions', () => {
  it('of one user have a limit over all sessions', () => {
    start({ maximumTotalSubscriptionBytes: 4 * subscriptionCost('a') })
    const [one, other, bob] = [connect('alice', '1'), connect('alice', '2'), connect('bob', '3')]
    expect(one.take(subscribePacket({ a: {} }))).toMatchObject([{ granted: [2] }])
    expect(other.take(subscribePacket({ a: {}, b: {} }))).toMatchObject([{ granted: [2, 0x97] }])
    expect(bob.take(subscribePacket({ a: {} }))).toMatchObject([{ granted: [2] }])
    expect(broker.core.counters.refusedSubscriptionsOfUser).toBe(1)
    one.take({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: ['a'] })
    expect(other.take(subscribePacket({ b: {} }))).toMatchObject([{ granted: [2] }])
  })
})

describe('queued messages', () => {
  it('of one user have a limit: those of another user still find room', () => {
    start({ maximumQueuedBytesPerUser: 1_000 })
    for (const [user, clientId] of [
      ['alice', '1'],
      ['alice', '2'],
      ['bob', '3'],
    ] as const) {
      const client = connect(user, clientId)
      client.take(subscribePacket({ a: {} }))
      client.lose()
    }
    const publisher = broker.connect(asUser('carol', { clientId: 'publisher' }))
    for (const messageId of [1, 2]) publisher.take(publishPacket({ qos: 1, messageId }))
    const waiting = (id: string) => broker.broker.session(id)?.waiting
    expect(['1', '2', '3'].map(waiting)).toEqual([1, 1, 2])
    expect(quotaOf('alice')?.queuedBytes).toBe(2 * (450 + 8))
    expect([broker.core.counters.droppedOfUser, broker.core.counters.dropped]).toEqual([2, 2])
    expect(broker.log.at('warn')).toMatchObject([
      { client: '1', queuedBytesOfUser: 916 },
      { client: '2', queuedBytesOfUser: 916 },
    ])
  })

  it('count while they are in flight, and until they are acknowledged', () => {
    start({})
    const client = connect('alice', '1')
    client.take(subscribePacket({ a: { qos: 1 } }))
    broker.connect(asUser('bob', { clientId: 'publisher' })).take(publishPacket({ qos: 1 }))
    expect(quotaOf('alice')?.queuedBytes).toBe(450 + 8)
    client.take({ cmd: 'puback', messageId: 1 })
    expect(quotaOf('alice')?.queuedBytes).toBe(0)
  })

  it('that are delivered over several turns count for the publisher meanwhile', async () => {
    start({ maximumQueuedBytesPerUser: 3_000 }, { router: new ImpatientRouter(0, 1) })
    const subscribers = Array.from({ length: 20 }, (_, n) => broker.connect(asUser('carol', { clientId: `s${n}` })))
    for (const subscriber of subscribers) subscriber.take(subscribePacket({ a: { qos: 0 } }))
    const publish = (user: string, clientId: string) =>
      connect(user, clientId).take(publishPacket({ qos: 1, payload: Buffer.alloc(2_000) }))
    const answers = [publish('alice', '1'), publish('alice', '2'), publish('bob', '3')]
    expect(answers).toMatchObject([[], [{ cmd: 'puback', reasonCode: 0x97 }], []])
    await expect.poll(() => subscribers.flatMap(({ sent }) => payloads(sent))).toHaveLength(40)
    await expect.poll(() => quotaOf('alice')?.queuedBytes).toBe(0)
  })

  it('make no room for Wills beyond the quota of the user', () => {
    start({ maximumQueuedBytesPerUser: 1_000 })
    const will = { topic: 'will', payload: Buffer.alloc(100), qos: 0 as const, retain: false }
    connect('alice', '1', { will })
    expect(connack('alice', '2', { will })).toMatchObject({ reasonCode: 0x97 })
    expect([connack('bob', '3', { will }), connack('alice', '1', { will })]).toMatchObject([
      { reasonCode: 0 },
      { reasonCode: 0 },
    ])
    expect(broker.core.counters.refusedWillsOfUser).toBe(1)
  })
})

describe('retained messages', () => {
  const retain = (topic: string, payload = 'payload') =>
    publishPacket({ topic, payload: Buffer.from(payload), retain: true, qos: 1 })
  const codeOf = (packets: readonly object[]) => (packets[0] as { reasonCode?: number }).reasonCode

  it.each([
    ['maximumRetainedMessages', { maximumRetainedMessages: 4 }],
    ['maximumRetainedMessagesPerUser', { maximumRetainedMessagesPerUser: 2 }],
    ['maximumRetainedBytesPerUser', { maximumRetainedBytesPerUser: 2_100 + 2 * 700 }],
  ])('of one user are bounded by %s: another user still finds room', (_, config) => {
    start(config)
    const [alice, bob] = [connect('alice', '1'), connect('bob', '2')]
    const codes = ['a', 'b', 'c'].map((topic) => codeOf(alice.take(retain(topic))))
    expect(codes).toEqual([0x10, 0x10, 0x97])
    expect(codeOf(bob.take(retain('c')))).toBe(0x10)
    // What takes no more room than the message before always fits, and a deleted one makes room.
    expect(codeOf(alice.take(retain('a', 'pay')))).toBe(0x10)
    alice.take(retain('b', ''))
    expect(codeOf(alice.take(retain('d')))).toBe(0x10)
    expect(broker.core.counters.refusedRetainedOfUser).toBe(1)
    expect(broker.log.at('warn')[0]?.message).toBe(
      'A message is not retained: the messages of user alice are as many as one user may have ' +
        '(maximumRetainedMessagesPerUser, maximumRetainedBytesPerUser)',
    )
  })

  it('belong to the user who published the last one on the topic', () => {
    start({ maximumRetainedMessagesPerUser: 1 })
    const [alice, bob] = [connect('alice', '1'), connect('bob', '2')]
    alice.take(retain('a'))
    bob.take(retain('a'))
    expect([quotaOf('alice')?.retainedMessages, quotaOf('bob')?.retainedMessages]).toEqual([0, 1])
    expect(codeOf(alice.take(retain('b')))).toBe(0x10)
    expect(codeOf(alice.take(retain('a')))).toBe(0x97)
    broker.broker.deleteRetained('a')
    expect(quotaOf('bob')?.retainedBytes).toBe(0)
  })

  it('that are Wills of sessions that have ended count as well', () => {
    start({ maximumRetainedMessagesPerUser: 2 })
    const will = (topic: string) => ({ topic, payload: Buffer.from('gone'), qos: 0 as const, retain: true })
    for (const topic of ['a', 'b', 'c']) {
      broker.connect(asUser('alice', { clientId: '1', will: will(topic) })).lose()
      // The quota of the user is found again by the next session.
      broker.core.endedSessions.drain()
    }
    expect(quotaOf('alice')).toMatchObject({ sessions: 0, retainedMessages: 2 })
    expect(['a', 'b', 'c'].map((topic) => broker.broker.retained(topic).length)).toEqual([1, 1, 0])
    for (const topic of ['a', 'b']) broker.broker.deleteRetained(topic)
    expect(broker.core.quotas.count).toBe(0)
  })
})

it('a user that holds nothing is forgotten', () => {
  start({})
  const client = broker.connect(asUser('alice', { clientId: '1' }))
  const away = connect('alice', '2')
  away.take(subscribePacket({ a: {} }))
  client.take(publishPacket({ topic: 'r', retain: true }))
  expect(broker.core.quotas.count).toBe(1)
  client.lose()
  broker.broker.endSession('2')
  broker.core.endedSessions.drain()
  expect(quotaOf('alice')).toMatchObject({ sessions: 0, awaySessions: 0, subscriptionBytes: 0, queuedBytes: 0 })
  broker.broker.deleteRetained('r')
  expect(broker.core.quotas.count).toBe(0)
})

it('what sessions hold counts after a restart', async () => {
  const store = new MemoryStore()
  start({ maximumSessionsPerUser: 1 }, { store })
  const client = connect('alice', '1')
  client.take(subscribePacket({ a: { qos: 1 } }))
  client.lose()
  broker.connect(asUser('bob', { clientId: 'publisher' })).take(publishPacket({ qos: 1 }))
  const before = { ...quotaOf('alice'), idle: undefined }
  broker.stop()
  start({ maximumSessionsPerUser: 1 }, { store })
  await broker.broker.restore()
  expect({ ...quotaOf('alice'), idle: undefined }).toEqual(before)
  expect(before).toMatchObject({ sessions: 1, awaySessions: 1, queuedBytes: 458 })
  expect(connack('alice', '2')).toMatchObject({ reasonCode: 0x97 })
})

it('what users have retained counts after a restart, with the bytes of its publishers', async () => {
  const store = new MemoryStore()
  const config = { maximumRetainedMessagesPerUser: 2 }
  start(config, { store })
  const retain = (topic: string) => publishPacket({ topic, retain: true, qos: 1 })
  connect('alice', '1').take(retain('a'))
  connect('alice', '2').take(retain('b'))
  broker.connect(asUser('bob', { clientId: '3' })).take(retain('c'))
  const numbers = () => ['alice', 'bob'].map((user) => [quotaOf(user)?.retainedMessages, quotaOf(user)?.retainedBytes])
  const before = numbers()
  expect(before.map(([messages]) => messages)).toEqual([2, 1])
  broker.stop()
  start(config, { store })
  await broker.broker.restore()
  expect(numbers()).toEqual(before)
  expect(connect('alice', '1').take(retain('d'))[0]).toMatchObject({ reasonCode: 0x97 })
  // Bob has no session, and is forgotten with his last message.
  expect(broker.core.quotas.count).toBe(2)
  broker.broker.deleteRetained('c')
  expect([broker.core.quotas.count, quotaOf('bob')]).toEqual([1, undefined])
  for (const topic of ['a', 'b']) broker.broker.deleteRetained(topic)
  expect(quotaOf('alice')).toMatchObject({ retainedMessages: 0, retainedBytes: 0 })
})
