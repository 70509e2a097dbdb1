/** Fields of the record of a client that no other test would miss. */

import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AuthenticationAnswer } from '../../src/kinds/authenticator.ts'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { ControlledAuthenticator } from '../../test/helpers/controlled-authenticator.ts'
import { HandlerHarness, persistent, publishPacket, subscribePacket } from '../../test/helpers/handler-harness.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'
import { UNITS_PER_TURN } from '../broker/turn-scheduler.ts'

let broker: HandlerHarness
beforeEach(() => {
  broker = new HandlerHarness()
})
afterEach(() => broker.stop())

/** A swap that is undone, and one that is not. */
const swapTwice = () => {
  broker.swap(undefined, {}, true)
  broker.swap()
}

it('a client keeps the time of its connection and its Keep Alive', () => {
  broker.connect({ clientId: 'client', keepalive: 60 })
  const before = [...broker.broker.clients()]
  expect(before).toMatchObject([{ keepAliveSeconds: 60 }])
  swapTwice()
  expect([...broker.broker.clients()]).toEqual(before)
})

it('a client that asked for a session may change its Session Expiry Interval, and another one may not', () => {
  const [lasting, passing] = [broker.connect(persistent('lasting')), broker.connect({ clientId: 'passing' })]
  swapTwice()
  const disconnect = { cmd: 'disconnect' as const, reasonCode: 0, properties: { sessionExpiryInterval: 100 } }
  expect(lasting.take(disconnect)).toEqual([])
  expect([...broker.broker.sessions()]).toMatchObject([
    { id: 'lasting', expiryIntervalSeconds: 100 },
    { id: 'passing' },
  ])
  // [MQTT-3.14.2-2]
  expect(passing.take(disconnect)).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.ProtocolError }])
})

it('messages at QoS 0 that are dropped for a client are logged once, until it reads again', () => {
  const [slow, publisher] = [broker.connect({ clientId: 'slow' }), broker.connect({ clientId: 'publisher' })]
  slow.take(subscribePacket({ a: { qos: 0 } }))
  slow.connection.congested = true
  publisher.take(publishPacket())
  const lines = broker.log.lines.length
  swapTwice()
  publisher.take(publishPacket())
  expect(broker.handler.counters.droppedQoS0).toBe(2)
  expect(broker.log.lines).toHaveLength(lines)
  slow.drain()
  publisher.take(publishPacket())
  slow.connection.congested = true
  publisher.take(publishPacket())
  expect(broker.log.lines.length).toBeGreaterThan(lines)
})

it('an answer that repeats a promise of an earlier connection waits for the store', () => {
  broker.stop()
  const store = new SlowStore()
  broker = new HandlerHarness({}, { store }, () => store.settleAll())
  const first = broker.connect(persistent())
  expect(first.take(publishPacket({ qos: 2, messageId: 7 }))).toEqual([])
  first.lose()
  const again = broker.open()
  expect(again.take(connectPacket(persistent()))).toMatchObject([{ cmd: 'connack', sessionPresent: true }])
  swapTwice()
  expect(again.take(publishPacket({ qos: 2, messageId: 7, dup: true }))).toEqual([])
  store.settle()
  expect(again.take()).toMatchObject([{ cmd: 'pubrec', messageId: 7 }])
})

it('an UNSUBSCRIBE that is handled over several turns is answered when the store has what its first filters changed', async () => {
  broker.stop()
  const store = new SlowStore()
  broker = new HandlerHarness({}, { store }, () => store.settleAll())
  const client = broker.connect(persistent())
  client.take(subscribePacket({ a: { qos: 0 } }))
  store.settleAll()
  client.take()
  // Only the first one appends to the journal.
  const unsubscriptions = ['a', ...Array.from({ length: 20_000 }, (_, n) => `none/${n}`)]
  client.take({ cmd: 'unsubscribe', messageId: 9, unsubscriptions })
  expect(broker.core.scheduler.waiting).toBeGreaterThan(0)
  swapTwice()
  await nextTurn()
  while (broker.core.scheduler.waiting > 0) await nextTurn()
  expect(client.take()).toEqual([])
  store.settleAll()
  expect(client.take()).toMatchObject([{ cmd: 'unsuback', messageId: 9 }])
})

it('acknowledgements of which the last one is still to come are counted', () => {
  const [subscriber, publisher] = [
    broker.connect({ clientId: 'subscriber' }),
    broker.connect({ clientId: 'publisher' }),
  ]
  subscriber.take(subscribePacket({ a: { qos: 1 } }))
  publisher.take(publishPacket({ qos: 1, messageId: 1 }), publishPacket({ qos: 1, messageId: 2 }))
  subscriber.acknowledge(PacketType.Puback, 1, false)
  swapTwice()
  subscriber.acknowledge(PacketType.Puback, 2, true)
  expect(broker.handler.counters.packetsIn[PacketType.Puback]).toBe(2)
})

describe('with an authenticator', () => {
  let users: ControlledAuthenticator
  let answers: ((answer: AuthenticationAnswer) => void)[]
  const login = (username: string) => connectPacket({ username, clientId: username, password: Buffer.from('pencil') })
  beforeEach(() => {
    broker.stop()
    answers = []
    users = new ControlledAuthenticator('users', { ann: 'pencil' })
    users.answer = (credentials) =>
      credentials.userName === 'slow' ? new Promise((resolve) => answers.push(resolve)) : users.byPassword(credentials)
    broker = new HandlerHarness({}, { authenticators: [users] })
  })

  it('an answer is not taken whose user was revoked while it was on its way', async () => {
    const client = broker.open()
    client.take(login('slow'))
    users.revoke('slow')
    swapTwice()
    answers[0]!({ result: 'allow', userName: 'slow' })
    await nextTurn()
    expect(client.take()).toMatchObject([{ cmd: 'connack', reasonCode: ReasonCode.BadUserNameOrPassword }])
  })

  it('a revocation that waits for its turn still reaches the clients', async () => {
    const client = broker.open()
    client.take(login('ann'))
    broker.core.scheduler.spend(UNITS_PER_TURN)
    users.revoke('ann')
    expect(client.take()).toEqual([])
    swapTwice()
    for (let turn = 0; turn < 5; turn += 1) await nextTurn()
    expect(client.take()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.NotAuthorized }])
  })

  it('after a swap that was undone, times and revocations are those of the handler from before', () => {
    vi.useFakeTimers()
    try {
      broker.stop()
      broker = new HandlerHarness({}, { authenticators: [users] })
      const [silent, revoked] = [broker.open(), broker.open()]
      users.passwords.set('bob', 'pencil')
      silent.take({ ...login('ann'), keepalive: 60 })
      revoked.take(login('bob'))
      silent.take()
      broker.swap(undefined, {}, true)
      users.revoke('bob')
      expect(revoked.take()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.NotAuthorized }])
      vi.advanceTimersByTime(91_000)
      expect(silent.take()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.KeepAliveTimeout }])
    } finally {
      vi.useRealTimers()
    }
  })
})

it('a password that nothing checks is logged once', () => {
  const connect = (clientId: string) => broker.connect({ clientId, username: 'ann', password: Buffer.from('pencil') })
  connect('one')
  swapTwice()
  connect('two')
  expect(broker.log.lines.filter(({ message }) => message.includes('password was not checked'))).toHaveLength(1)
})

it('Topic Aliases of a client keep their meaning', () => {
  const [publisher, subscriber] = [
    broker.connect({ clientId: 'publisher' }),
    broker.connect({ clientId: 'subscriber' }),
  ]
  subscriber.take(subscribePacket({ a: { qos: 0 } }))
  publisher.take(publishPacket({ properties: { topicAlias: 1 } }))
  expect(subscriber.take()).toMatchObject([{ cmd: 'publish', topic: 'a' }])
  swapTwice()
  publisher.take(publishPacket({ topic: '', properties: { topicAlias: 1 } }))
  expect(subscriber.take()).toMatchObject([{ cmd: 'publish', topic: 'a' }])
})
