import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AuthenticationAnswer } from '../../src/kinds/authenticator.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { ControlledAuthenticator } from '../../test/helpers/controlled-authenticator.ts'
import { ControlledMethod } from '../../test/helpers/controlled-method.ts'
import { HandlerHarness, persistent, publishPacket, subscribePacket } from '../../test/helpers/handler-harness.ts'
import { ImpatientRouter } from '../../test/helpers/impatient-router.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'

let broker: HandlerHarness
let users: ControlledAuthenticator
let answers: ((answer: AuthenticationAnswer) => void)[]
const start = (config: object = {}, parts: object = {}) => {
  broker?.stop()
  answers = []
  users = new ControlledAuthenticator('users', { ann: 'pencil' })
  users.answer = (credentials) =>
    credentials.userName === 'slow' ? new Promise((resolve) => answers.push(resolve)) : users.byPassword(credentials)
  broker = new HandlerHarness(config, { authenticators: [users], ...parts })
}
const anonymous = { allowAnonymous: true }
const connect = (clientId: string, keepalive = 0, version: ProtocolVersion = 5) =>
  broker.connect({ clientId, keepalive }, version, anonymous)
const login = (username = 'ann', clientId = username) =>
  connectPacket({ clientId, username, password: Buffer.from('pencil') })
/** A swap that is undone, and one that is not. */
const swapTwice = () => {
  broker.swap(undefined, {}, true)
  broker.swap()
}

beforeEach(() => {
  vi.useFakeTimers()
  start()
})
afterEach(() => {
  broker.stop()
  vi.useRealTimers()
})

describe('over a swap, undone or not,', () => {
  it.each([60_000, 89_000])(
    'a client that was silent for %i ms is ended when its Keep Alive is over, not later',
    (ms) => {
      const client = connect('client', 60)
      vi.advanceTimersByTime(ms)
      swapTwice()
      vi.advanceTimersByTime(90_000 - ms - 400)
      expect(client.connection.open).toBe(true)
      vi.advanceTimersByTime(1_000)
      expect(client.take()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.KeepAliveTimeout }])
      expect(broker.handler.clients.size).toBe(0)
    },
  )

  it('the object before does not end a client that is heard', () => {
    const client = connect('client', 60)
    swapTwice()
    for (let count = 0; count < 5; count += 1) {
      vi.advanceTimersByTime(60_000)
      expect(client.take({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }])
    }
    expect(client.connection.open).toBe(true)
  })

  it('a connection without CONNECT is ended after connectDeadlineMs', () => {
    const client = broker.open()
    vi.advanceTimersByTime(6_000)
    swapTwice()
    vi.advanceTimersByTime(3_500)
    expect(client.connection.open).toBe(true)
    vi.advanceTimersByTime(1_000)
    expect(client.connection.open).toBe(false)
  })

  it('a client whose authenticator is asked waits for the answer, up to its deadline', async () => {
    const [accepted, late] = [broker.open(), broker.open()]
    accepted.take(login('slow'))
    late.take(login('slow', 'late'))
    const [first] = users.asked
    swapTwice()
    expect([accepted.connection.paused, broker.handler.authenticators.waiting]).toEqual([true, 2])
    vi.advanceTimersByTime(6_000)
    answers[0]!({ result: 'allow', userName: 'slow' })
    await nextTurn()
    expect(accepted.take()).toMatchObject([{ cmd: 'connack', reasonCode: 0 }])
    expect([accepted.connection.paused, broker.handler.authenticators.waiting]).toEqual([false, 1])
    expect(first!.password!.every((byte) => byte === 0)).toBe(true)
    vi.advanceTimersByTime(4_001)
    expect(late.take()).toMatchObject([{ cmd: 'connack', reasonCode: ReasonCode.ServerUnavailable }])
    answers[1]!({ result: 'allow', userName: 'slow' })
    await nextTurn()
    expect(late.take()).toEqual([])
  })

  it('an authentication that ends in time still ends the connection', () => {
    users.allows = { expiresAtMs: broker.broker.forClients.now() + 60_000 }
    const client = broker.open()
    client.take(login())
    vi.advanceTimersByTime(30_000)
    swapTwice()
    vi.advanceTimersByTime(29_000)
    expect(client.connection.open).toBe(true)
    vi.advanceTimersByTime(1_500)
    expect(client.take()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.MaximumConnectTime }])
  })

  it('a revocation reaches the clients, by one listener', () => {
    const client = broker.open()
    client.take(login())
    const listeners = vi.spyOn(users, 'onRevocation')
    swapTwice()
    expect(listeners).not.toHaveBeenCalled()
    users.revoke('ann')
    expect(client.take()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.NotAuthorized }])
    expect(broker.handler.authenticators.get('users')).toMatchObject({ allowed: 1, revoked: 1 })
  })

  it('a client that publishes too fast is stopped, and continues with its debt', () => {
    start({ maximumPublishRate: 10 })
    const client = connect('client')
    for (let count = 0; count < 31; count += 1) client.take(publishPacket())
    swapTwice()
    expect([client.connection.paused, broker.handler.rates.slowed]).toEqual([true, 1])
    vi.advanceTimersByTime(2_000)
    expect(client.connection.paused).toBe(true)
    vi.advanceTimersByTime(200)
    expect([client.connection.paused, broker.handler.rates.slowed]).toEqual([false, 0])
    client.take(publishPacket(), publishPacket(), publishPacket())
    expect(client.connection.paused).toBe(true)
    client.lose()
    expect(broker.handler.rates.slowed).toBe(0)
  })

  it('the connections of a user are counted', () => {
    start({ maximumConnectionsPerUser: 1 })
    const client = broker.open()
    client.take(login())
    swapTwice()
    const refused = [{ cmd: 'connack', reasonCode: ReasonCode.QuotaExceeded }]
    expect(broker.open().take(login('ann', 'other'))).toMatchObject(refused)
    client.lose()
    expect(broker.open().take(login('ann', 'other'))).toMatchObject([{ cmd: 'connack', reasonCode: 0 }])
  })

  it('a client whose CONNECT waits counts towards maximumConnecting', () => {
    start({ maximumConnecting: 1 })
    broker.open().take(login('slow'))
    swapTwice()
    expect(broker.handler.connecting.count).toBe(1)
    expect(broker.open().take(login())).toMatchObject([{ cmd: 'connack', reasonCode: ReasonCode.ServerBusy }])
  })

  it('counters go on', () => {
    const client = connect('client')
    client.take(publishPacket({ qos: 1 }))
    const before = structuredClone(broker.handler.counters)
    swapTwice()
    expect(broker.handler.counters).toEqual(before)
    client.take({ cmd: 'disconnect' })
    expect(broker.handler.counters.connectedByVersion[5]).toBe(before.connectedByVersion[5]! - 1)
  })

  it('a message whose client is gone before it is delivered is remembered by its Packet Identifier', async () => {
    const router = new ImpatientRouter(5, 1)
    start({}, { router })
    const subscribers = Array.from({ length: 20 }, (_, n) => connect(`s${n}`))
    for (const each of subscribers) each.take(subscribePacket({ a: { qos: 0 } }))
    const client = broker.connect(persistent('publisher'), 5, anonymous)
    client.take(publishPacket({ qos: 2, messageId: 7 }))
    expect(client.connection.paused).toBe(true)
    broker.swap()
    client.lose()
    swapTwice()
    expect(broker.handler.lateAnswers.size).toBe(1)
    while (broker.core.scheduler.waiting > 0) await nextTurn()
    expect(broker.handler.lateAnswers.size).toBe(0)
    const again = broker.connect(persistent('publisher'), 5, anonymous)
    for (const each of subscribers) each.take()
    expect(again.take(publishPacket({ qos: 2, messageId: 7, dup: true }))).toMatchObject([
      { cmd: 'pubrec', messageId: 7 },
    ])
    expect(subscribers.flatMap((each) => each.take())).toEqual([])
  })

  it('a SUBSCRIBE packet of many filters is handled to its end', async () => {
    const client = connect('client')
    const filters = Object.fromEntries(Array.from({ length: 8_000 }, (_, n) => [`a/${n}`, { qos: 1 as const }]))
    client.take(subscribePacket(filters))
    expect([client.connection.paused, broker.core.router.subscriptions > 0]).toEqual([true, true])
    while (client.connection.paused) {
      swapTwice()
      await nextTurn()
    }
    expect(client.take()).toMatchObject([{ cmd: 'suback', granted: Array.from({ length: 8_000 }, () => 1) }])
    expect(broker.core.router.subscriptions).toBe(8_000)
  })

  it('a client that another one takes over is disconnected', () => {
    const client = connect('client')
    swapTwice()
    connect('client')
    expect(client.take()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.SessionTakenOver }])
  })
})

it('the objects before do nothing between the reset and the time at which they are told of it', async () => {
  start({ maximumPublishRate: 10 })
  const [silent, fast, revoked] = [connect('silent', 60), connect('fast'), broker.open()]
  const slow = broker.open()
  slow.take(login('slow'))
  revoked.take(login())
  vi.advanceTimersByTime(5_000)
  for (let count = 0; count < 31; count += 1) fast.take(publishPacket())
  const resumed = vi.spyOn(fast.connection, 'resume')
  broker.swap(undefined, {}, false, () => {
    vi.advanceTimersByTime(90_000)
    users.revoke('ann')
  })
  await nextTurn()
  const { disconnectsByBroker, refusals } = broker.handler.counters
  expect(silent.take()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.KeepAliveTimeout }])
  expect(disconnectsByBroker[ReasonCode.KeepAliveTimeout]).toBe(1)
  expect(revoked.take()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.NotAuthorized }])
  expect(disconnectsByBroker[ReasonCode.NotAuthorized]).toBe(1)
  expect(refusals[ReasonCode.ServerUnavailable]).toBe(1)
  expect(resumed).toHaveBeenCalledTimes(1)
  expect(broker.handler.clients.size).toBe(1)
})

it('an authentication method that was replaced is asked whether it knows the user that the one before accepted', async () => {
  const before = new ControlledMethod()
  const [knowing, other] = [new ControlledMethod(), new ControlledMethod()]
  Object.assign(other, { knows: () => false })
  const properties = { authenticationMethod: 'CONTROLLED', authenticationData: Buffer.from('') }
  for (const [method, reasonCode] of [
    [before, 0],
    [knowing, 0],
    [other, ReasonCode.NotAuthorized],
  ] as const) {
    start({}, { authenticationMethods: [before] })
    const client = broker.open()
    client.take(connectPacket({ properties }))
    broker.swap(undefined, { authenticationMethods: [method] })
    before.steps.at(-1)!.answer({ result: 'success', userName: 'ann' })
    await nextTurn()
    expect(client.take()).toMatchObject([{ cmd: 'connack', reasonCode }])
  }
})

it('answers that wait for the store are sent by the object that is in the place of the client', () => {
  const store = new SlowStore()
  start({}, { store })
  const subscriber = broker.open(5, anonymous)
  subscriber.take(connectPacket(persistent('s')))
  expect(subscriber.connection.paused).toBe(true)
  swapTwice()
  store.settleAll()
  expect(subscriber.take()).toMatchObject([{ cmd: 'connack' }])
  expect(subscriber.connection.paused).toBe(false)
  subscriber.take(subscribePacket({ a: {} }))
  store.settleAll()
  const publisher = connect('p')
  publisher.take(publishPacket({ qos: 1, messageId: 1 }), publishPacket({ qos: 1, messageId: 2 }))
  swapTwice()
  expect(publisher.take()).toEqual([])
  store.settleAll()
  expect(publisher.take()).toMatchObject([
    { cmd: 'puback', messageId: 1 },
    { cmd: 'puback', messageId: 2 },
  ])
})

it('what has another version is refused, and nothing is changed', () => {
  const client = connect('client')
  const { handler } = broker
  expect(() => handler.open(client.connection, {} as never, { version: 0 })).toThrow('another version')
  expect(client.take({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }])
})

it('handlers before are not kept', async () => {
  vi.useRealTimers()
  start()
  const client = connect('client', 60)
  const slow = broker.open()
  slow.take(login('slow'))
  const references: WeakRef<object>[] = []
  for (let count = 0; count < 20; count += 1) {
    references.push(new WeakRef(broker.handler))
    broker.swap()
    client.take({ cmd: 'pingreq' })
    await nextTurn()
  }
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let count = 0; count < 3; count += 1) {
    await nextTurn()
    collect()
  }
  expect(references.filter((reference) => reference.deref() !== undefined).length).toBeLessThan(2)
})
