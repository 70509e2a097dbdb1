import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AuthenticationAnswer } from '../../src/kinds/authenticator.ts'
import type { ClientBroker } from '../../src/kinds/client-broker.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { ControlledAuthenticator } from '../../test/helpers/controlled-authenticator.ts'
import { ControlledMethod } from '../../test/helpers/controlled-method.ts'
import { HandlerHarness, persistent, publishPacket, subscribePacket } from '../../test/helpers/handler-harness.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'
import { UNITS_PER_TURN } from '../broker/turn-scheduler.ts'

let broker: HandlerHarness
const anonymous = { allowAnonymous: true }
beforeEach(() => {
  vi.useFakeTimers()
  broker = new HandlerHarness()
})
afterEach(() => {
  broker.stop()
  vi.useRealTimers()
})
const start = (config: object, parts: object = {}) => {
  broker.stop()
  broker = new HandlerHarness(config, parts)
}
const login = (username: string, clientId = username) =>
  connectPacket({ clientId, username, password: Buffer.from('pencil') })

describe('another config', () => {
  it('holds for clients that connect from now on where it was negotiated; the others keep what CONNACK told them', () => {
    const before = broker.connect({ clientId: 'before' })
    broker.adjust({ receiveMaximum: 1, maximumQoS: 1, topicAliasMaximum: 0, maximumKeepAliveSeconds: 10 })
    const after = broker.connect({ clientId: 'after', keepalive: 60 })
    expect(after.connack).toMatchObject({ properties: { receiveMaximum: 1, maximumQoS: 1, serverKeepAlive: 10 } })
    before.take(publishPacket({ qos: 2, messageId: 1 }), publishPacket({ qos: 2, messageId: 2 }))
    before.take(publishPacket({ properties: { topicAlias: 3 } }))
    expect(before.connection.open).toBe(true)
    after.take(publishPacket({ qos: 2 }))
    expect(after.connection.open).toBe(false)
  })

  it('holds at once where it is a limit, for clients that are connected too', () => {
    const client = broker.connect()
    broker.adjust({ maximumPayloadBytes: 3, explainRefusals: false })
    expect(client.take(publishPacket({ qos: 1 }))).toEqual([
      { cmd: 'puback', messageId: 1, reasonCode: ReasonCode.QuotaExceeded },
    ])
    broker.adjust({})
    expect(client.take(publishPacket({ qos: 1, messageId: 2 }))).toMatchObject([{ cmd: 'puback', messageId: 2 }])
  })

  it('ends a connection without CONNECT after the new deadline', () => {
    const [first, second] = [broker.open(), broker.open()]
    broker.adjust({ connectDeadlineMs: 60_000 })
    vi.advanceTimersByTime(30_000)
    expect([first.connection.open, second.connection.open]).toEqual([true, true])
    broker.adjust({ connectDeadlineMs: 31_000 })
    vi.advanceTimersByTime(2_000)
    expect([first.connection.open, second.connection.open]).toEqual([false, false])
  })

  it('limits what connected clients publish, and lifts the limit', () => {
    const client = broker.connect()
    const publish = (count: number) => {
      for (let index = 0; index < count; index += 1) client.take(publishPacket())
      return client.connection.paused
    }
    expect(publish(100)).toBe(false)
    broker.adjust({ maximumPublishRate: 10 })
    expect(publish(10)).toBe(false)
    expect(publish(1)).toBe(true)
    broker.adjust({})
    vi.advanceTimersByTime(200)
    expect(client.connection.paused).toBe(false)
    expect(publish(100)).toBe(false)
    client.lose()
    expect(broker.handler.rates.slowed).toBe(0)
  })

  it.each(['adjusted', 'undone', 'swapped'])('limits users whose clients had a limit of their own: %s', (how) => {
    const users = new ControlledAuthenticator('users', { ann: 'pencil' })
    start({ maximumPublishRate: 1_000 }, { authenticators: [users] })
    const client = broker.open()
    client.take(login('ann'))
    const limits = { maximumPublishRate: 1_000, maximumPublishRatePerUser: 10 }
    if (how === 'swapped') broker.swap(limits)
    else broker.adjust(limits, {}, how === 'undone')
    for (let index = 0; index < 11; index += 1) client.take(publishPacket())
    expect(client.connection.paused).toBe(how !== 'undone')
    for (let index = 0; index < 1_000; index += 1) client.take(publishPacket())
    expect(client.connection.paused).toBe(true)
    client.lose()
    expect(broker.handler.rates.slowed).toBe(0)
  })

  it('counts the connections of users that were not counted before', () => {
    const users = new ControlledAuthenticator('users', { ann: 'pencil' })
    start({}, { authenticators: [users] })
    broker.open().take(login('ann'))
    broker.adjust({ maximumConnectionsPerUser: 1 })
    expect(broker.open().take(login('ann', 'other'))).toMatchObject([{ reasonCode: ReasonCode.QuotaExceeded }])
  })

  it('is as it was when the reset is undone', () => {
    const client = broker.connect()
    const unconnected = broker.open()
    const strict = { maximumPublishRate: 1, maximumPayloadBytes: 1, connectDeadlineMs: 100, maximumConnecting: 1 }
    broker.adjust(strict, { logger: new RecordingLogger() }, true)
    for (let count = 0; count < 20; count += 1) client.take(publishPacket({ qos: 1, messageId: count + 1 }))
    expect([client.connection.paused, client.connection.open]).toEqual([false, true])
    vi.advanceTimersByTime(5_000)
    expect(unconnected.connection.open).toBe(true)
    expect(broker.handler.connecting.maximum).toBeGreaterThan(1)
    client.lose()
    expect(broker.log.lines.at(-1)).toMatchObject({ client: 'client' })
  })
})

describe('other authenticators', () => {
  let before: ControlledAuthenticator
  let after: ControlledAuthenticator
  let answers: ((answer: AuthenticationAnswer) => void)[]
  beforeEach(() => {
    before = new ControlledAuthenticator('users', { ann: 'pencil' })
    after = new ControlledAuthenticator('users', { ann: 'pencil' })
    answers = []
    start({}, { authenticators: [before] })
  })
  const askSlowly = () => {
    before.answer = () => new Promise((resolve) => answers.push(resolve))
    const client = broker.open()
    client.take(login('ann'))
    return client
  }

  it('are asked about the clients that the ones before them allowed', async () => {
    const client = broker.open()
    client.take(login('ann'))
    after.revoked.add('ann')
    broker.adjust({}, { authenticators: [after] })
    await nextTurn()
    expect(client.take()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.NotAuthorized }])
    expect(broker.handler.authenticators.get('users')).toMatchObject({ allowed: 1, revoked: 1 })
  })

  it('check the answer to a question that was asked before', async () => {
    for (const [isRevoked, reasonCode] of [
      [false, 0],
      [true, ReasonCode.BadUserNameOrPassword],
    ] as const) {
      const client = askSlowly()
      if (isRevoked) after.revoked.add('ann')
      broker.adjust({}, { authenticators: [after] })
      answers.pop()!({ result: 'allow', userName: 'ann' })
      await nextTurn()
      expect(client.take()).toMatchObject([{ cmd: 'connack', reasonCode }])
      client.lose()
      broker.adjust({}, { authenticators: [before] })
    }
  })

  it('refuse a client whose authenticator is not there any more', async () => {
    const client = askSlowly()
    broker.adjust({}, { authenticators: [] })
    answers[0]!({ result: 'allow', userName: 'ann' })
    await nextTurn()
    expect(client.take()).toMatchObject([{ cmd: 'connack', reasonCode: ReasonCode.ServerUnavailable }])
  })

  it.each(['adjusted', 'adjusted and undone', 'swapped'])(
    'can revoke what one of their name allowed before it was removed: the handler is %s',
    async (how) => {
      const client = broker.open()
      client.take(login('ann'))
      const reset = (authenticators: readonly ControlledAuthenticator[]) => {
        if (how === 'swapped') broker.swap({}, { authenticators })
        else broker.adjust({}, { authenticators })
      }
      reset([])
      await nextTurn()
      expect(client.connection.open).toBe(true)
      if (how === 'adjusted and undone') broker.adjust({}, { authenticators: [after] }, true)
      reset([after])
      await nextTurn()
      expect(client.connection.open).toBe(true)
      after.revoke('ann')
      await nextTurn()
      expect(client.connection.open).toBe(false)
    },
  )

  it('are asked about clients of one of their name that was removed, when they come back', async () => {
    const client = broker.open()
    client.take(login('ann'))
    broker.adjust({}, { authenticators: [] })
    before.revoked.add('ann')
    broker.adjust({}, { authenticators: [before] })
    await nextTurn()
    expect(client.connection.open).toBe(false)
  })

  it('are not there when the reset is undone', async () => {
    const client = askSlowly()
    broker.adjust({}, { authenticators: [] }, true)
    answers[0]!({ result: 'allow', userName: 'ann' })
    await nextTurn()
    expect(client.take()).toMatchObject([{ cmd: 'connack', reasonCode: 0 }])
    before.revoke('ann')
    expect(client.connection.open).toBe(false)
  })

  it('of one name are refused', () => {
    expect(() => broker.adjust({}, { authenticators: [before, after] })).toThrow('two authenticators have the name')
    expect([...broker.handler.authenticators].map(({ authenticator }) => authenticator)).toEqual([before])
  })
})

it('another authentication method is used for the next exchange; one that is gone refuses it', async () => {
  const [before, after] = [new ControlledMethod(), new ControlledMethod()]
  start({}, { authenticationMethods: [before] })
  const client = broker.open()
  const properties = { authenticationMethod: 'CONTROLLED', authenticationData: Buffer.from('') }
  client.take(connectPacket({ properties }))
  before.steps[0]!.answer({ result: 'success', userName: 'ann' })
  await nextTurn()
  client.take()
  broker.adjust({}, { authenticationMethods: [after] })
  client.take({ cmd: 'auth', reasonCode: 0x19, properties })
  after.steps[0]!.answer({ result: 'success', userName: 'ann' })
  await nextTurn()
  expect(client.take()).toMatchObject([{ cmd: 'auth', reasonCode: 0 }])
  broker.adjust({}, { authenticationMethods: [] })
  expect(client.take({ cmd: 'auth', reasonCode: 0x19, properties })).toMatchObject([{ cmd: 'disconnect' }])
})

it('another logger gets the lines', () => {
  const log = new RecordingLogger()
  broker.adjust({}, { logger: log })
  broker.connect({ clientId: 'kitchen' })
  expect(log.lines).toMatchObject([{ client: 'kitchen' }])
  expect(broker.log.lines.some((line) => line['client'] === 'kitchen')).toBe(false)
})

describe('another broker', () => {
  /** The broker under another identity: as one that continues all sessions. @param has whether it does. */
  const successor = (has = true) => {
    const { forClients } = broker.broker
    const proxy = new Proxy(forClients, {
      get: (target, key) => {
        if (key === 'successorOf') return (session: unknown) => (has ? session : undefined)
        const value: unknown = Reflect.get(target, key, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    }) as ClientBroker
    return { forClients: proxy }
  }

  it('continues the sessions, the answers that wait and the work over turns', async () => {
    const store = new SlowStore()
    start({}, { store })
    const subscriber = broker.open(5, anonymous)
    subscriber.take(connectPacket(persistent('s')))
    store.settleAll()
    subscriber.take(subscribePacket({ a: {} }))
    store.settleAll()
    subscriber.take()
    const publisher = broker.connect({ clientId: 'p', keepalive: 60 })
    publisher.take(publishPacket({ qos: 1 }))
    broker.core.scheduler.spend(UNITS_PER_TURN)
    const many = broker.connect({ clientId: 'many' })
    many.take(subscribePacket(Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`m/${n}`, {}]))))
    const parts = successor()
    broker.adjust({}, { broker: parts })
    expect(broker.handler.broker).toBe(parts.forClients)
    store.settleAll()
    expect(publisher.take()).toMatchObject([{ cmd: 'puback' }])
    expect(subscriber.take()).toMatchObject([{ cmd: 'publish' }])
    while (many.connection.paused) await nextTurn()
    expect(many.take()).toMatchObject([{ cmd: 'suback' }])
    vi.advanceTimersByTime(91_000)
    expect(publisher.take()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.KeepAliveTimeout }])
  })

  it('that lacks a session is refused, and the one before goes on', () => {
    const client = broker.connect()
    const { broker: before } = broker.handler
    expect(() => broker.adjust({}, { broker: successor(false) })).toThrow('does not have the session of client client')
    expect(broker.handler.broker).toBe(before)
    expect(client.take(publishPacket({ qos: 1 }))).toMatchObject([{ cmd: 'puback' }])
  })

  it('is forgotten when the reset is undone', () => {
    const client = broker.connect({ keepalive: 60 })
    const { broker: before, silentClients } = broker.handler
    broker.adjust({}, { broker: successor() }, true)
    expect([broker.handler.broker, broker.handler.silentClients]).toEqual([before, silentClients])
    expect(client.take(publishPacket({ qos: 1 }))).toMatchObject([{ cmd: 'puback' }])
    vi.advanceTimersByTime(91_000)
    expect(client.connection.open).toBe(false)
  })

  it('gets the clients of a handler that is swapped with it', () => {
    const client = broker.connect({ clientId: 'client' })
    client.take(subscribePacket({ a: {} }))
    broker.swap({}, { broker: successor() })
    expect(client.take(publishPacket({ qos: 1 }))).toMatchObject([{ cmd: 'publish' }, { cmd: 'puback' }])
    expect(() => broker.swap({}, { broker: successor(false) })).toThrow('does not have the session')
  })
})
