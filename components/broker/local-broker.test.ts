import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Published } from '../../src/kinds/broker.ts'
import { describePeer } from '../../src/kinds/peer.ts'
import { Message } from '../../src/mqtt/message.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import {
  HandlerHarness,
  type HarnessClient,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'

let harness: HandlerHarness
beforeEach(() => {
  harness = new HandlerHarness()
})
afterEach(() => harness.stop())

const will = { topic: 'will', payload: Buffer.from('gone'), qos: 0, retain: false } as const

describe('clients and sessions', () => {
  it('are listed in the order in which the clients connected, with what is known of them', () => {
    harness.connect({ clientId: 'b', keepalive: 60, username: 'bob' })
    harness.connect({ clientId: 'a' }, 4)
    harness.connect({ clientId: 'b', keepalive: 30, username: 'bob', will })
    expect([...harness.broker.clients()]).toMatchObject([
      { id: 'a', protocolVersion: 4, keepAliveSeconds: 0, userName: undefined },
      { id: 'b', protocolVersion: 5, keepAliveSeconds: 30, userName: 'bob', session: { id: 'b', hasWill: true } },
    ])
    const { connectedAtMs, peer, pendingBytes, bytesReceived } = harness.broker.client('a')!
    expect(Math.abs(connectedAtMs - harness.core.now())).toBeLessThan(60_000)
    expect([describePeer(peer), pendingBytes, bytesReceived]).toEqual(['127.0.0.1:50002', 0, 0])
  })

  it('a session whose client is away is no client', () => {
    const client = harness.connect(persistent('away'))
    client.take(subscribePacket({ 'a/#': { qos: 1 }, b: { qos: 0 } }))
    client.lose()
    harness.connect({ clientId: 'publisher' }).take(publishPacket({ topic: 'a', qos: 1 }))
    expect(harness.broker.client('away')).toBeUndefined()
    expect(harness.broker.session('away')).toMatchObject({
      connected: false,
      expiryIntervalSeconds: 3_600,
      disconnectedAtMs: expect.any(Number),
      subscriptions: [
        { filter: 'a/#', qos: 1 },
        { filter: 'b', qos: 0 },
      ],
      inflight: 0,
      waiting: 1,
      hasWill: false,
    })
    expect([...harness.broker.sessions()].map(({ id }) => id)).toEqual(['away', 'publisher'])
    expect([harness.broker.client('nobody'), harness.broker.session('nobody')]).toEqual([undefined, undefined])
  })

  it('lists are copies: what the caller does meanwhile does not disturb them', () => {
    for (const clientId of ['a', 'b', 'c']) harness.connect({ clientId })
    for (const { id } of harness.broker.clients()) harness.broker.disconnect(id)
    expect([...harness.broker.clients()]).toEqual([])
    expect([...harness.broker.sessions()]).toEqual([])
  })

  it('whose client disconnects, or that end, while the lists are read are left out', () => {
    for (const id of ['a', 'b', 'c']) harness.connect({ clientId: id })
    const clients = harness.broker.clients()
    const sessions = harness.broker.sessions()
    const first = [clients.next(), sessions.next()]
    harness.broker.disconnect('b')
    expect([...first.map(({ value }) => value.id), ...[...clients, ...sessions].map(({ id }) => id)]).toEqual([
      ...['a', 'a'],
      ...['c', 'c'],
    ])
  })

  it('disconnect sends an MQTT 5 client the reason, and its session and Will follow the specification', () => {
    const watcher = harness.connect({ clientId: 'watcher' })
    watcher.take(subscribePacket({ will: {} }))
    const client = harness.connect(persistent('client', { will }))
    expect(harness.broker.disconnect('client')).toBe(true)
    expect(client.sent).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.AdministrativeAction }])
    expect(payloads(watcher.take())).toEqual(['gone'])
    expect(harness.broker.session('client')).toMatchObject({ connected: false })
    expect(harness.broker.disconnect('client')).toBe(false)
    expect(harness.log.at('info').at(-1)).toMatchObject({
      message: expect.stringContaining('Administrative action (0x98)'),
    })
  })

  it('disconnect with another Reason Code, and of a client of MQTT 3, which cannot be told', () => {
    const [five, three] = [harness.connect({ clientId: 'five' }), harness.connect({ clientId: 'three' }, 4)]
    harness.broker.disconnect('five', ReasonCode.ServerBusy)
    harness.broker.disconnect('three')
    expect([five.take(), three.take()]).toMatchObject([[{ cmd: 'disconnect', reasonCode: ReasonCode.ServerBusy }], []])
    expect([five.connection.open, three.connection.open]).toEqual([false, false])
  })

  it.each(['connected', 'away'])('endSession leaves nothing of a session whose client is %s', (state) => {
    const client = harness.connect(persistent('client'))
    client.take(subscribePacket({ a: {} }))
    if (state === 'away') client.lose()
    expect(harness.broker.endSession('client')).toBe(true)
    expect(harness.broker.session('client')).toBeUndefined()
    expect(client.connection.open).toBe(false)
    expect(harness.core.router.subscriptions).toBe(0)
    expect(harness.broker.endSession('client')).toBe(false)
  })
})

describe('retained messages', () => {
  const retain = (topic: string): void =>
    void harness.connect().take(publishPacket({ topic, payload: Buffer.from(topic), retain: true }))
  const topics = (filter: string, limit?: number) => harness.broker.retained(filter, limit).map(({ topic }) => topic)

  it('are found by a Topic Filter, as many as asked for', () => {
    for (const topic of ['a/1', 'a/2', 'b']) retain(topic)
    harness.broker.publish({ topic: '$SYS/uptime', payload: '1', retain: true })
    expect(topics('a/+')).toEqual(['a/1', 'a/2'])
    expect(topics('a/2')).toEqual(['a/2'])
    expect(topics('#')).toEqual(['a/1', 'a/2', 'b'])
    expect(topics('#', 2)).toEqual(['a/1', 'a/2'])
    expect(topics('$SYS/#')).toEqual(['$SYS/uptime'])
    expect(topics('nothing')).toEqual([])
  })

  it('are all found among very many', () => {
    for (let n = 0; n < 2_500; n += 1) harness.broker.publish({ topic: `t/${n}`, payload: 'x', retain: true })
    expect(topics('#')).toHaveLength(1_000)
    expect(topics('#', 10_000)).toHaveLength(2_500)
    expect(topics('t/2499')).toEqual(['t/2499'])
  })

  it('are deleted by their topic', () => {
    retain('a')
    expect([harness.broker.deleteRetained('a'), harness.broker.deleteRetained('a')]).toEqual([true, false])
    expect(topics('#')).toEqual([])
  })

  it.each(['', 'a/#/b', 'a+', '$share/group/a'])('the filter %j is refused', (filter) => {
    expect(() => harness.broker.retained(filter)).toThrow(TypeError)
    expect(() => harness.broker.subscribe(filter, () => undefined)).toThrow(TypeError)
  })
})

describe('publish', () => {
  let subscriber: HarnessClient
  beforeEach(() => {
    subscriber = harness.connect({ clientId: 'subscriber' })
    subscriber.take(subscribePacket({ '#': { qos: 1 }, '$SYS/#': { qos: 1 } }))
  })

  it('takes plain values, and says how many got the message', () => {
    expect(harness.broker.publish({ topic: 'a', payload: 'text', qos: 1 })).toEqual({
      reasonCode: ReasonCode.Success,
      subscribers: 1,
    })
    expect(subscriber.take()).toMatchObject([{ cmd: 'publish', topic: 'a', payload: Buffer.from('text'), qos: 1 }])
    harness.broker.publish({ topic: 'a' })
    harness.broker.publish({ topic: 'a', payload: Uint8Array.of(1, 2), expirySeconds: 60 })
    expect(subscriber.take()).toMatchObject([
      { payload: Buffer.alloc(0), qos: 0 },
      { payload: Buffer.from([1, 2]), properties: { messageExpiryInterval: 60 } },
    ])
  })

  it('takes a message, and a topic that begins with $, though an authorizer allows nothing', () => {
    harness.stop()
    harness = new HandlerHarness({}, { authorizers: [{ mayPublish: () => 'deny', maySubscribe: () => 'allow' }] })
    const other = harness.connect()
    other.take(subscribePacket({ '$SYS/#': {} }))
    harness.broker.publish(Message.of({ topic: '$SYS/uptime', payload: Buffer.from('1') }))
    expect(payloads(other.take())).toEqual(['1'])
  })

  it('says that no subscriber matches', () => {
    subscriber.lose()
    expect(harness.broker.publish({ topic: 'a' })).toEqual({
      reasonCode: ReasonCode.NoMatchingSubscribers,
      subscribers: 0,
    })
  })

  it.each<[unknown, RegExp]>([
    ['a', /A message is an object .*, not a \(string\)/],
    [undefined, /not undefined/],
    [{}, /A Topic Name is a string, not undefined/],
    [{ topic: '' }, /The Topic Name is empty/],
    [{ topic: 'a/#' }, /'a\/#' is no Topic Name: The Topic Name holds a wildcard character/],
    [{ topic: 'a\0' }, /holds no NUL/],
    [{ topic: 'a\ud800' }, /surrogate/],
    [{ topic: 'a'.repeat(65_536) }, /at most 65535 bytes/],
    [{ topic: 'a', payload: { a: 1 } }, /payload must be a string or a Uint8Array, not an object/],
    [{ topic: 'a', payload: 1 }, /payload must be .*, not 1 \(number\)/],
    [{ topic: 'a', qos: 3 }, /qos must be 0, 1 or 2, not 3/],
    [{ topic: 'a', retain: 1 }, /retain must be a boolean, not 1/],
    [{ topic: 'a', expirySeconds: -1 }, /expirySeconds must be a whole number/],
    [{ topic: 'a', message: 'x' }, /a message has no 'message'/],
  ])('of %j is refused with a clear error', (message, expected) => {
    expect(() => harness.broker.publish(message as never)).toThrow(TypeError)
    expect(() => harness.broker.publish(message as never)).toThrow(expected)
    expect(() => harness.broker.publish(message as never)).toThrow(/[^.]\.$/)
    expect(subscriber.take()).toEqual([])
  })

  it('the router takes no plain values: it says what to call instead', () => {
    expect(() => harness.core.router.publish({ topic: 'a', payload: 'x' } as never)).toThrow(
      'A router takes a Message, as Message.of makes it, not plain values.',
    )
  })
})

describe('subscribe', () => {
  it('calls the listener with each message that matches, kept, until it is ended', () => {
    const heard: Message[] = []
    const end = harness.broker.subscribe('a/+', (message) => heard.push(message))
    const client = harness.connect()
    client.take(publishPacket({ topic: 'a/1', payload: Buffer.from('one'), qos: 1 }))
    client.take(publishPacket({ topic: 'b', payload: Buffer.from('no') }))
    harness.broker.publish({ topic: 'a/2', payload: 'two' })
    expect(heard.map(({ topic, payload }) => `${topic} ${payload}`)).toEqual(['a/1 one', 'a/2 two'])
    end()
    end()
    harness.broker.publish({ topic: 'a/3' })
    expect(heard).toHaveLength(2)
    expect(harness.core.router.subscriptions).toBe(0)
  })

  it('two listeners of one filter are two subscriptions', () => {
    const heard: string[] = []
    const end = harness.broker.subscribe('a', () => heard.push('first'))
    harness.broker.subscribe('a', () => heard.push('second'))
    harness.broker.publish({ topic: 'a' })
    end()
    harness.broker.publish({ topic: 'a' })
    expect(heard).toEqual(['first', 'second', 'second'])
  })

  it('a listener that throws is logged, and other listeners get the message', () => {
    harness.broker.subscribe('a', () => {
      throw new Error('no good')
    })
    const client = harness.connect()
    client.take(subscribePacket({ a: {} }))
    expect(
      client
        .take(publishPacket({ topic: 'a', qos: 1 }))
        .map(({ cmd }) => cmd)
        .sort(),
    ).toEqual(['puback', 'publish'])
    expect(harness.log.at('error')).toMatchObject([{ topic: 'a', message: 'A listener failed' }])
  })

  it('a listener that publishes does not change the result for the publisher of the first message', () => {
    harness.stop()
    harness = new HandlerHarness({ maximumQueuedMessages: 1, queueFullPolicy: 'refuse' })
    const publishes: Published[] = []
    const republish = (from: string, to: string) =>
      harness.broker.subscribe(from, () => publishes.push(harness.broker.publish({ topic: to, qos: 1 })))
    republish('full', 'free')
    const away = harness.connect(persistent('away'))
    away.take(subscribePacket({ full: { qos: 1 } }))
    away.lose()
    // One before the session that is full, and one behind it.
    republish('full', 'free')
    republish('open', 'full')
    const client = harness.connect()
    const told = (topic: string) => client.take(publishPacket({ topic, qos: 1 }))
    expect(told('full')).toMatchObject([{ cmd: 'puback' }])
    expect(told('full')).toMatchObject([{ cmd: 'puback', reasonCode: ReasonCode.QuotaExceeded }])
    publishes.splice(0)
    expect(told('open')).not.toMatchObject([{ reasonCode: ReasonCode.QuotaExceeded }])
    expect(publishes.at(-1)).toMatchObject({ reasonCode: ReasonCode.QuotaExceeded })
  })

  it('a listener that rejects is logged, and the process continues', async () => {
    harness.broker.subscribe('a', async () => {
      throw new Error('no good')
    })
    harness.broker.publish({ topic: 'a' })
    await Promise.resolve()
    expect(harness.log.at('error')).toMatchObject([{ topic: 'a', message: 'A listener failed' }])
  })

  it('what a listener publishes changes nothing of what the publisher is answered', () => {
    harness.stop()
    harness = new HandlerHarness({ maximumQueuedMessages: 1, queueFullPolicy: 'refuse' })
    for (const topic of ['full', 'other']) {
      const away = harness.connect(persistent(topic))
      away.take(subscribePacket({ [topic]: { qos: 1 } }))
      away.lose()
    }
    harness.broker.subscribe('full', () => void harness.broker.publish({ topic: 'nobody' }))
    harness.broker.subscribe('forwarded', () => void harness.broker.publish({ topic: 'other', qos: 1 }))
    const client = harness.connect({ clientId: 'publisher' })
    const codes = (topic: string) =>
      [1, 2].map((messageId) => client.take(publishPacket({ topic, qos: 1, messageId }))[0])
    expect(codes('full')).toMatchObject([{ messageId: 1 }, { messageId: 2, reasonCode: ReasonCode.QuotaExceeded }])
    const [first, second] = codes('forwarded')
    expect([first, second]).toEqual([
      { cmd: 'puback', messageId: 1 },
      { cmd: 'puback', messageId: 2 },
    ])
  })

  it('a listener that publishes to itself is stopped with an error', () => {
    let calls = 0
    harness.broker.subscribe('a', () => {
      calls += 1
      harness.broker.publish({ topic: 'a' })
    })
    harness.broker.publish({ topic: 'a' })
    expect(calls).toBe(8)
    expect(harness.log.at('error')).toMatchObject([{ topic: 'a', message: 'A listener failed' }])
    harness.broker.publish({ topic: 'a' })
    expect(calls).toBe(16)
  })
})
