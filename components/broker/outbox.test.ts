import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { runs } from '../../test/helpers/full-run.ts'
import {
  HandlerHarness,
  type HarnessClient,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { RELEASE_BYTES } from './outgoing.ts'

let broker: HandlerHarness
let publisher: HarnessClient
const start = (config: object = {}) => {
  broker?.stop()
  broker = new HandlerHarness(config)
  publisher = broker.connect({ clientId: 'publisher' })
}
beforeEach(() => start())
afterEach(() => broker.stop())

/** A persistent subscriber of `a`. */
const subscribed = (fields: object = {}) => {
  const client = broker.connect(persistent('subscriber', fields))
  client.take(subscribePacket({ a: {} }))
  return client
}
const publish = (...texts: (string | number)[]) =>
  texts.flatMap((text) =>
    publisher.take(publishPacket({ qos: 1, messageId: publishes++, payload: Buffer.from(String(text)) })),
  )
const publishAt2 = (...numbers: number[]) => {
  for (const n of numbers) publisher.take(publishPacket({ qos: 2, messageId: n, payload: Buffer.from(String(n)) }))
}
let publishes = 1
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n)

describe('the in-flight window', () => {
  it('holds no more than Receive Maximum, and continues with each acknowledgement [MQTT-3.3.4-9]', () => {
    const client = subscribed({ properties: { sessionExpiryInterval: 3600, receiveMaximum: 2 } })
    publish(1, 2, 3, 4)
    const first = client.take()
    expect(payloads(first)).toEqual(['1', '2'])
    expect(payloads(client.take({ cmd: 'puback', messageId: first[1]!.messageId! }))).toEqual(['3'])
    expect(payloads(client.take({ cmd: 'puback', messageId: first[0]!.messageId! }))).toEqual(['4'])
  })

  it.each([
    [3, {}, 20],
    [4, {}, 20],
    [5, {}, 100],
    [4, { maximumInflightMqtt3: 50 }, 50],
    [5, { maximumInflightMqtt3: 50 }, 100],
    [4, { maximumInflight: 3 }, 3],
    [5, { maximumInflight: 3 }, 3],
  ] as const)('holds for a client of version %i, with the config %o, %i messages', (version, config, inflight) => {
    start(config)
    const client = broker.connect({ clientId: 'subscriber' }, version)
    client.take(subscribePacket({ a: {} }))
    publish(...numbers(1, 120))
    const sent = client.take()
    expect(payloads(sent)).toEqual(numbers(1, inflight).map(String))
    expect(payloads(client.take({ cmd: 'puback', messageId: sent[0]!.messageId! }))).toEqual([`${inflight + 1}`])
  })

  it('grows while a client of MQTT 3 acknowledges at once, up to maximumInflight; at QoS 2 it does not', () => {
    start({ maximumInflight: 50 })
    const client = broker.connect({ clientId: 'subscriber' }, 4)
    client.take(subscribePacket({ a: {} }))
    publish(...numbers(1, 200))
    const got: string[] = []
    const windows: number[] = []
    for (let sent = client.take(); sent.length > 0; ) {
      windows.push(sent.length)
      got.push(...payloads(sent))
      for (const { messageId } of sent.splice(0)) sent.push(...client.take({ cmd: 'puback', messageId: messageId! }))
    }
    expect(got).toEqual(numbers(1, 200).map(String))
    // What is sent meanwhile comes with the last of them.
    expect(windows).toEqual([20, 40, 50, 50, 40])
    publishAt2(...numbers(1, 60))
    expect(payloads(client.take())).toEqual(numbers(1, 20).map(String))
  })

  it('keeps the order of a client of MQTT 3 when a message at QoS 2 has to wait before others at QoS 1', () => {
    start({ maximumInflightMqtt3: 2, initialInflight: 10, maximumInflight: 10 })
    const client = broker.connect({ clientId: 'subscriber' }, 4)
    client.take(subscribePacket({ a: {} }))
    publish('at QoS 1')
    publishAt2(1, 2, 3)
    publish('behind')
    const sent = client.take()
    expect(payloads(sent)).toEqual(['at QoS 1', '1'])
    expect(payloads(client.take({ cmd: 'puback', messageId: sent[0]!.messageId! }))).toEqual(['2'])
    client.take({ cmd: 'pubrec', messageId: sent[1]!.messageId! })
    expect(payloads(client.take({ cmd: 'pubcomp', messageId: sent[1]!.messageId! }))).toEqual(['3', 'behind'])
  })

  it('holds no more than maximumInflight over all connections of a client that never sends PUBCOMP', () => {
    start({ maximumInflight: 3 })
    subscribed().lose()
    publishAt2(...numbers(1, 10))
    const got: string[] = []
    for (let connections = 0; connections < 5; connections++) {
      const client = broker.open()
      const sent = client.take(connectPacket(persistent('subscriber')))
      got.push(...payloads(sent))
      for (const { cmd, messageId } of sent)
        if (cmd === 'publish') client.take({ cmd: 'pubrec', messageId: messageId! })
      client.lose()
    }
    expect(got).toEqual(['1', '2', '3'])
    const client = broker.open()
    const [, release] = client.take(connectPacket(persistent('subscriber')))
    expect(release).toMatchObject({ cmd: 'pubrel' })
    expect(payloads(client.take({ cmd: 'pubcomp', messageId: release!.messageId! }))).toEqual(['4'])
  })

  it('is not refilled while the client does not read', () => {
    const client = subscribed()
    client.connection.congested = true
    publish(1, 2)
    expect(client.take()).toEqual([])
    expect(payloads(client.drain())).toEqual(['1', '2'])
  })

  it('gives every message a Packet Identifier that is not in use [MQTT-2.2.1-4]', () => {
    const client = subscribed()
    publish(0)
    const [stays] = client.take()
    const seen = new Set<number>()
    const messages = runs(70_000)
    for (let n = 0; n < messages; n++) {
      publish(n)
      const [{ messageId }] = client.take() as unknown as [{ messageId: number }]
      if (messageId === stays!.messageId) expect.unreachable()
      seen.add(messageId)
      client.take({ cmd: 'puback', messageId })
    }
    expect(seen.size).toBe(Math.min(messages, 65_534))
  })
})

describe('a session whose client is away', () => {
  it('keeps what comes, and the client gets it in order, what was in flight first and with DUP [MQTT-4.4.0-1]', () => {
    const client = subscribed({ properties: { sessionExpiryInterval: 3600, receiveMaximum: 2 } })
    publish(1, 2, 3)
    const [first, second] = client.take()
    client.lose()
    publish(4)
    const again = broker.open()
    const sent = again.take(connectPacket(persistent('subscriber')))
    expect(sent[0]).toMatchObject({ cmd: 'connack', sessionPresent: true })
    expect(sent.slice(1)).toMatchObject([
      { payload: Buffer.from('1'), dup: true, messageId: first!.messageId },
      { payload: Buffer.from('2'), dup: true, messageId: second!.messageId },
      { payload: Buffer.from('3'), dup: false },
      { payload: Buffer.from('4'), dup: false },
    ])
  })

  it('is sent no more of what was in flight than the Receive Maximum of the new connection', () => {
    const client = subscribed()
    publish(1, 2, 3)
    client.lose()
    const again = broker.open()
    const sent = again.take(connectPacket(persistent('subscriber', { properties: { receiveMaximum: 1 } })))
    expect(payloads(sent)).toEqual(['1'])
    const id = sent.at(-1)!.messageId!
    expect(payloads(again.take({ cmd: 'puback', messageId: id }))).toEqual(['2'])
  })

  it('is read from the store in pages, however many messages there are', () => {
    const client = subscribed()
    client.lose()
    publish(...numbers(1, 3_500))
    expect(broker.core.sessions.get('subscriber')?.outbox.waiting).toBe(3_500)
    const again = broker.open()
    let sent = again.take(connectPacket(persistent('subscriber')))
    const got = payloads(sent)
    expect(got).toHaveLength(100)
    publish('last')
    while (got.length < 3_501) {
      const ids = sent.flatMap(({ cmd, messageId }) => (cmd === 'publish' ? [messageId!] : []))
      expect(ids).not.toEqual([])
      sent = ids.flatMap((messageId) => again.take({ cmd: 'puback', messageId }))
      got.push(...payloads(sent))
    }
    expect(got.pop()).toBe('last')
    expect(got).toEqual(numbers(1, 3_500).map(String))
  })

  it('continues with PUBREL if PUBREC has come [MQTT-4.3.3-6]', () => {
    const client = subscribed()
    publisher.take(publishPacket({ qos: 2 }))
    const [{ messageId }] = client.take() as unknown as [{ messageId: number }]
    client.take({ cmd: 'pubrec', messageId })
    client.lose()
    const sent = broker.open().take(connectPacket(persistent('subscriber')))
    expect(sent.slice(1)).toEqual([{ cmd: 'pubrel', messageId }])
  })

  it('ends with the connection when the client comes back without Session Expiry Interval; nothing is lost until then', () => {
    const client = subscribed()
    client.lose()
    publish(1, 2)
    const again = broker.open()
    const sent = again.take(connectPacket({ clientId: 'subscriber', clean: false }))
    expect(sent[0]).toMatchObject({ sessionPresent: true })
    expect(payloads(sent)).toEqual(['1', '2'])
    again.lose()
    expect(broker.core.sessions.get('subscriber')).toBeUndefined()
    expect(broker.core.gauges.queuedBytes).toBe(0)
  })
})

describe('a full queue', () => {
  const got = (policy: string, more: object = {}) => {
    start({ queueFullPolicy: policy, maximumQueuedMessages: 3, ...more })
    subscribed().lose()
    const answers = publish(1, 2, 3, 4, 5)
    const sent = broker.open().take(connectPacket(persistent('subscriber')))
    expect(broker.core.counters.dropped).toBe(2)
    // Those in flight: topic `a` and one digit each.
    expect(broker.core.gauges.queuedBytes).toBe(3 * (450 + 2))
    expect(broker.log.at('warn')[0]).toMatchObject({
      ...{ client: 'subscriber', policy },
      message: expect.stringMatching(/^Queue of a session is full: subscriber from 127\.0\.0\.1:\d+: /),
    })
    return { payloads: payloads(sent), codes: answers.map((answer) => (answer as { reasonCode?: number }).reasonCode) }
  }
  it('drops the oldest messages', () => {
    expect(got('drop-oldest').payloads).toEqual(['3', '4', '5'])
  })
  it('drops the newest messages', () => {
    const result = got('drop-newest')
    expect(result.payloads).toEqual(['1', '2', '3'])
    expect(result.codes).toEqual(Array.from({ length: 5 }))
  })
  it('refuses the newest messages, and says so', () => {
    const result = got('refuse')
    expect(result.payloads).toEqual(['1', '2', '3'])
    expect(result.codes).toEqual([undefined, undefined, undefined, 0x97, 0x97])
    expect(broker.core.counters.refused).toBe(2)
  })
  it('is one that has too many bytes, too', () => {
    // Topic `a` and one digit are two bytes.
    expect(got('drop-newest', { maximumQueuedMessages: 100, maximumQueuedBytes: 6 }).payloads).toEqual(['1', '2', '3'])
  })
  it('is one when all queues together have too many bytes', () => {
    expect(
      got('drop-newest', { maximumQueuedMessages: 100, maximumTotalQueuedBytes: 3 * 450 + 6 }).payloads,
    ).toHaveLength(3)
  })
  it('has room again when those that expired have left', () => {
    vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] })
    try {
      start({ maximumQueuedMessages: 2, maximumQueuedSeconds: 10 })
      subscribed().lose()
      publish(1, 2)
      vi.advanceTimersByTime(11_000)
      publish(3)
      expect(payloads(broker.open().take(connectPacket(persistent('subscriber'))))).toEqual(['3'])
      expect(broker.core.counters).toMatchObject({ expired: 2, dropped: 0 })
      expect(broker.core.gauges.queuedBytes).toBe(450 + 2)
    } finally {
      broker.stop()
      vi.useRealTimers()
    }
  })
  it('does not fill with a message that is too large for any', () => {
    start({ queueFullPolicy: 'drop-oldest', maximumQueuedBytes: 10 })
    subscribed().lose()
    publish(1, 'x'.repeat(100), 2)
    expect(payloads(broker.open().take(connectPacket(persistent('subscriber'))))).toEqual(['1', '2'])
  })
})

describe('the content of what is in flight', () => {
  const cost = 450 + 2
  const queuedBytes = () => broker.core.gauges.queuedBytes
  const ids = (client: HarnessClient) =>
    client.take().flatMap(({ cmd, messageId }) => (cmd === 'publish' ? [messageId!] : []))

  it('counts until it is acknowledged', () => {
    const client = subscribed()
    publish(1, 2)
    expect(queuedBytes()).toBe(2 * cost)
    for (const messageId of ids(client)) client.take({ cmd: 'puback', messageId })
    expect(queuedBytes()).toBe(0)
  })
  it('counts until PUBREC comes at QoS 2, and what is kept of the message until PUBCOMP comes', () => {
    const client = subscribed()
    publishAt2(1)
    expect(queuedBytes()).toBe(cost)
    const [messageId] = ids(client)
    client.take({ cmd: 'pubrec', messageId: messageId! })
    expect(queuedBytes()).toBe(RELEASE_BYTES)
    client.take({ cmd: 'pubcomp', messageId: messageId! })
    expect(queuedBytes()).toBe(0)
  })
  it('counts while the client is away and comes back, until the session ends', () => {
    subscribed().lose()
    publish(1, 2)
    expect(queuedBytes()).toBe(2 * cost)
    const again = broker.connect(persistent('subscriber'))
    expect(queuedBytes()).toBe(2 * cost)
    again.lose()
    expect(queuedBytes()).toBe(2 * cost)
    broker.connect({ clientId: 'subscriber', clean: true })
    expect(queuedBytes()).toBe(0)
  })
  it('is not kept, and does not count, for a session that ends with its connection', () => {
    start({ maximumTotalQueuedBytes: 0 })
    const client = broker.connect({ clientId: 'subscriber' })
    client.take(subscribePacket({ a: {} }))
    publish(1)
    expect(payloads(client.take())).toEqual(['1'])
    expect(queuedBytes()).toBe(0)
  })
  it('counts for a Shared Subscription, until another member has got it', () => {
    const first = broker.connect({ clientId: 'first' })
    first.take(subscribePacket({ '$share/g/a': { qos: 1 } }))
    publish(1)
    expect(queuedBytes()).toBe(cost)
    const second = broker.connect({ clientId: 'second' })
    second.take(subscribePacket({ '$share/g/a': { qos: 1 } }))
    first.lose()
    expect(queuedBytes()).toBe(cost)
    for (const messageId of ids(second)) second.take({ cmd: 'puback', messageId })
    expect(queuedBytes()).toBe(0)
  })
  it('takes no more than all messages together may, with room again when it is acknowledged', () => {
    start({ maximumTotalQueuedBytes: 2 * cost, queueFullPolicy: 'refuse' })
    const client = subscribed()
    const answers = publish(1, 2, 3)
    expect(answers.at(-1)).toMatchObject({ cmd: 'puback', reasonCode: 0x97 })
    const [first, second] = client.take()
    expect(payloads([first!, second!])).toEqual(['1', '2'])
    expect(queuedBytes()).toBe(2 * cost)
    client.take({ cmd: 'puback', messageId: first!.messageId! })
    publish(4)
    expect(payloads(client.take())).toEqual(['4'])
    expect(broker.core.counters).toMatchObject({ dropped: 1, refused: 1 })
  })
})

describe('a message that is too large for its subscriber', () => {
  it('is dropped as if it had been sent, and takes no Packet Identifier [MQTT-3.1.2-25]', () => {
    const client = subscribed({ properties: { sessionExpiryInterval: 3600, maximumPacketSize: 40, receiveMaximum: 1 } })
    publish('x'.repeat(100), 'small')
    expect(payloads(client.take())).toEqual(['small'])
    expect(broker.handler.counters.tooLarge).toBe(1)
  })

  it('is not one that is too large only with a Topic Alias', () => {
    start({ topicAliasAfter: 1 })
    // Exactly this message without any property: header, topic, Packet Identifier, Property Length, payload.
    const maximumPacketSize = 2 + (2 + 5) + 2 + 1 + 50
    const client = broker.connect({ properties: { maximumPacketSize, topicAliasMaximum: 5 } })
    client.take(subscribePacket({ topic: {} }))
    const payload = 'x'.repeat(50)
    for (const messageId of [1, 2, 3]) {
      publisher.take(publishPacket({ topic: 'topic', qos: 1, messageId, payload: Buffer.from(payload) }))
    }
    publisher.take(publishPacket({ topic: 'topic', qos: 1, messageId: 4, payload: Buffer.from('short') }))
    publisher.take(publishPacket({ topic: 'topic', qos: 1, messageId: 5, payload: Buffer.from(payload) }))
    const sent = client.take()
    expect(payloads(sent)).toEqual([payload, payload, payload, 'short', payload])
    expect(sent.map((packet) => packet.cmd === 'publish' && packet.topic)).toEqual([...Array(4).fill('topic'), ''])
    expect(broker.handler.counters.tooLarge).toBe(0)
  })
})

describe('a Shared Subscription', () => {
  const worker = (clientId: string, qos: 1 | 2 = 1) => {
    const client = broker.connect({ clientId, properties: { receiveMaximum: 2 } })
    client.take(subscribePacket({ '$share/g/a': { qos } }))
    return client
  }
  it('gives what a member has not acknowledged to another when its session ends', () => {
    const first = worker('first')
    publish(1, 2, 3)
    expect(payloads(first.take())).toEqual(['1', '2'])
    const second = worker('second')
    first.lose()
    expect(payloads(second.take()).sort()).toEqual(['1', '2'])
  })
  it('does not give away what has expired meanwhile [MQTT-3.3.2-5]', () => {
    vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] })
    try {
      start()
      const first = worker('first')
      const brief = { properties: { messageExpiryInterval: 1 } }
      publisher.take(publishPacket({ qos: 1, messageId: 1, ...brief }), publishPacket({ qos: 1, messageId: 2 }))
      expect(payloads(first.take())).toHaveLength(2)
      const second = worker('second')
      vi.advanceTimersByTime(2_000)
      first.lose()
      expect(second.take()).toMatchObject([{ cmd: 'publish', qos: 1 }])
    } finally {
      broker.stop()
      vi.useRealTimers()
    }
  })
  it('never gives away a message at QoS 2 that was sent [MQTT-4.8.2-5]', () => {
    const first = worker('first', 2)
    publisher.take(publishPacket({ qos: 2, messageId: 9 }))
    const second = worker('second', 2)
    first.lose()
    expect(second.take()).toEqual([])
  })
  it('does not try again after a negative acknowledgement [MQTT-4.8.2-6]', () => {
    const first = worker('first')
    publish(1)
    const [{ messageId }] = first.take() as unknown as [{ messageId: number }]
    const second = worker('second')
    first.take({ cmd: 'puback', messageId, reasonCode: 0x80 })
    first.lose()
    expect(second.take()).toEqual([])
  })
})
