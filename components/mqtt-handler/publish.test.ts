import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Authorizer } from '../../src/kinds/authorizer.ts'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import {
  HandlerHarness,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { runOf } from '../../test/helpers/mailbox.ts'

let broker: HandlerHarness
afterEach(() => broker.stop())

describe('no room to retain a message', () => {
  it.each([1, 2] as const)('at QoS %i it is not delivered, so that it may be sent again', (qos) => {
    broker = new HandlerHarness({ maximumRetainedMessages: 0 })
    const subscriber = broker.connect({ clientId: 'subscriber' })
    subscriber.take(subscribePacket({ a: {} }))
    const publisher = broker.connect()
    const message = publishPacket({ qos, retain: true })
    for (const dup of [false, true]) expect(publisher.take({ ...message, dup })).toMatchObject([{ reasonCode: 0x97 }])
    expect(payloads(subscriber.take())).toEqual([])
  })

  it.each([
    [0, 5],
    [1, 4],
    [2, 4],
  ] as const)('at QoS %i from version %i, which cannot be told, it is delivered', (qos, version) => {
    broker = new HandlerHarness({ maximumRetainedMessages: 0 })
    const subscriber = broker.connect({ clientId: 'subscriber' })
    subscriber.take(subscribePacket({ a: {} }))
    broker.connect({}, version).take(publishPacket({ qos, retain: true }))
    expect(payloads(subscriber.take())).toEqual(['payload'])
  })
})

describe('QoS 2 that the full queue of one subscriber refuses', () => {
  const opened = () => {
    broker = new HandlerHarness({ maximumQueuedMessages: 0, queueFullPolicy: 'refuse' })
    const away = broker.connect(persistent('away'))
    away.take(subscribePacket({ a: {} }))
    away.lose()
    const subscriber = broker.connect({ clientId: 'subscriber' })
    subscriber.take(subscribePacket({ a: {} }))
    return { subscriber, publisher: broker.connect(persistent('publisher')) }
  }

  it('is not delivered again to other subscribers when the answer is lost', () => {
    const { subscriber, publisher } = opened()
    expect(publisher.take(publishPacket({ qos: 2 }))).toMatchObject([{ cmd: 'pubrec', reasonCode: 0x97 }])
    publisher.lose()
    const again = broker.connect(persistent('publisher'))
    const packets = again.take(publishPacket({ qos: 2, dup: true }))
    expect(packets).toMatchObject([{ cmd: 'pubrec', messageId: 1, reasonCode: 0x97 }])
    expect(payloads(subscriber.take())).toEqual(['payload'])
  })

  it('leaves its Packet Identifier free for the next message [MQTT-4.3.3-9]', () => {
    const { subscriber, publisher } = opened()
    publisher.take(publishPacket({ qos: 2 }))
    subscriber.take(subscribePacket({ b: {} }))
    const next = publishPacket({ qos: 2, topic: 'b', payload: Buffer.from('next') })
    expect(publisher.take(next)).toEqual([{ cmd: 'pubrec', messageId: 1 }])
    expect(publisher.take({ ...next, dup: true })).toEqual([{ cmd: 'pubrec', messageId: 1 }])
    expect(payloads(subscriber.take())).toEqual(['next'])
  })
})

describe('a message at QoS 2 to its own publisher', () => {
  const opened = (filters: Parameters<typeof subscribePacket>[0], config: object = {}, version: 4 | 5 = 5) => {
    broker = new HandlerHarness(config)
    const client = broker.connect(persistent('publisher'), version)
    client.take(subscribePacket(filters))
    return client
  }
  const cmds = (packets: readonly { cmd: string }[]) => packets.map(({ cmd }) => cmd)

  it.each([
    ['an ordinary subscription', { a: {} }],
    ['a Shared Subscription', { '$share/g/a': {} }],
    ['a subscription at QoS 1', { a: { qos: 1 as const } }],
    ['a subscription at QoS 0', { a: { qos: 0 as const } }],
  ])('comes through %s after PUBREC', (_, filters) => {
    for (const version of [4, 5] as const) {
      const client = opened(filters, {}, version)
      for (const messageId of [1, 2, 3]) {
        expect(cmds(client.take(publishPacket({ qos: 2, messageId })))).toEqual(['pubrec', 'publish'])
      }
      broker.stop()
    }
  })

  it('comes once for each of an ordinary and a Shared Subscription', () => {
    const client = opened({ a: {}, '$share/g/a': {} })
    expect(cmds(client.take(publishPacket({ qos: 2 }))).sort()).toEqual(['publish', 'publish', 'pubrec'])
  })

  it('does not come with No Local', () => {
    const client = opened({ a: { nl: true } })
    expect(client.take(publishPacket({ qos: 2 }))).toEqual([{ cmd: 'pubrec', messageId: 1, reasonCode: 0x10 }])
  })

  it('waits behind others, and the full queue of the publisher itself refuses it', () => {
    const client = opened({ a: {} }, { maximumInflight: 1, maximumQueuedMessages: 1, queueFullPolicy: 'refuse' })
    const answers = [1, 2, 3].flatMap((n) =>
      client.take(publishPacket({ qos: 2, messageId: n, payload: Buffer.from(`${n}`) })),
    )
    expect(answers.map((packet) => ('reasonCode' in packet ? packet.reasonCode : packet.cmd))).toEqual([
      'pubrec',
      'publish',
      'pubrec',
      0x97,
    ])
    const { messageId } = answers[1]!
    client.take({ cmd: 'pubrec', messageId: messageId! })
    expect(payloads(client.take({ cmd: 'pubcomp', messageId: messageId! }))).toEqual(['2'])
  })

  it('that fails to be published holds nothing of the next connection back', () => {
    broker = new HandlerHarness()
    const client = broker.connect(persistent('publisher'))
    client.take(subscribePacket({ a: {} }))
    vi.spyOn(broker.core.router, 'publish').mockImplementationOnce(() => {
      throw new Error('broken')
    })
    expect(() => client.take(publishPacket({ qos: 2 }))).toThrow('broken')
    const other = broker.connect({ clientId: 'other' })
    client.lose()
    other.take(publishPacket({ qos: 1, payload: Buffer.from('away') }))
    const again = broker.open()
    expect(payloads(again.take(connectPacket(persistent('publisher'))))).toEqual(['away'])
    other.take(publishPacket({ payload: Buffer.from('back') }))
    expect(payloads(again.take())).toEqual(['back'])
  })
})

it('a client whose Topic Aliases stand for more bytes than they may is disconnected, and its message is not published', () => {
  broker = new HandlerHarness()
  const subscriber = broker.connect({ clientId: 'subscriber' })
  subscriber.take(subscribePacket({ '#': { qos: 0 } }))
  const publisher = broker.connect({ clientId: 'publisher' })
  const aliased = (topicAlias: number, topic: string) => publishPacket({ topic, properties: { topicAlias } })
  // The longest topic there is fits, more than once.
  expect(publisher.take(aliased(1, 'x'.repeat(65_535)), aliased(1, 'y'.repeat(65_535)), aliased(1, ''))).toEqual([])
  expect(payloads(subscriber.take())).toHaveLength(3)
  expect(publisher.take(aliased(2, 'zz'))).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x97 }])
  expect(payloads(subscriber.take())).toEqual([])
})

describe('a run of PUBLISH packets', () => {
  const RUN = ['1', '2', '3']
  const opened = (config: object = {}, authorizer?: Partial<Authorizer>) => {
    const allowing = { mayPublish: () => 'allow' as const, maySubscribe: () => 'allow' as const, ...authorizer }
    broker = new HandlerHarness(config, authorizer === undefined ? {} : { authorizers: [allowing] })
    const subscriber = broker.connect({ clientId: 'subscriber' })
    subscriber.take(subscribePacket({ '#': {} }))
    return { subscriber, publisher: broker.connect({ clientId: 'publisher' }) }
  }

  it('is published', () => {
    const { subscriber, publisher } = opened()
    expect(publisher.takesRun(runOf('a', RUN, 5))).toBe(true)
    expect(payloads(subscriber.take())).toEqual(RUN)
  })

  it('is not taken before CONNECT was accepted', () => {
    const { subscriber } = opened()
    expect(broker.open(5).takesRun(runOf('a', RUN, 5))).toBe(false)
    expect(subscriber.take()).toEqual([])
  })

  it('is not taken to a topic of the server, so that each packet is refused', () => {
    const { subscriber, publisher } = opened()
    expect(publisher.takesRun(runOf('$SYS/a', RUN, 5))).toBe(false)
    expect(subscriber.take()).toEqual([])
  })

  it('is not taken from whom the authorizer does not allow it, which is asked once', () => {
    const asked: unknown[] = []
    const mayPublish = (...question: unknown[]) => {
      asked.push(question)
      return 'deny' as const
    }
    const { subscriber, publisher } = opened({}, { mayPublish })
    expect(publisher.takesRun(runOf('a', RUN, 5))).toBe(false)
    expect(asked).toEqual([[expect.objectContaining({ clientId: 'publisher' }), 'a', 0, false]])
    expect(subscriber.take()).toEqual([])
  })

  it('does not reach a subscriber that may not receive it, who is asked for once', () => {
    const asked: unknown[] = []
    const mayReceive = (...question: unknown[]) => {
      asked.push(question)
      return 'deny' as const
    }
    const { subscriber, publisher } = opened({}, { mayReceive })
    expect(publisher.takesRun(runOf('a', RUN, 5))).toBe(true)
    expect(asked).toEqual([[expect.objectContaining({ clientId: 'subscriber' }), 'a']])
    expect([subscriber.take(), broker.handler.counters.droppedQoS0]).toEqual([[], 0])
    expect(broker.handler.counters.deniedDeliveries).toBe(RUN.length)
  })

  it.each([
    [true, false],
    [false, true],
  ])('that says it is text is looked at packet by packet, if that is checked (%s)', (checkPayloadFormat, taken) => {
    const { publisher } = opened({ checkPayloadFormat })
    expect(publisher.takesRun(runOf('a', RUN, 5, '01 01'))).toBe(taken)
  })

  it.each([
    ['once for each subscriber that gets it whole', {}, 1],
    ['for each message of it that a subscriber gets by itself', { subscriptionIdentifier: 7 }, RUN.length],
  ])('is work for the connection %s', (_what, properties, deliveries) => {
    const { publisher } = opened()
    const single = broker.connect({ clientId: 'single' })
    single.take(subscribePacket({ only: {} }, { properties }))
    const taking = broker.connect({ clientId: 'taking' })
    taking.takesRuns = true
    taking.take(subscribePacket({ only: {} }, { properties }))
    // The route of the topic is known from here on.
    publisher.take(publishPacket({ topic: 'only' }))
    const worked: number[] = []
    publisher.connection.chargeWork = (amount) => void worked.push(amount)
    publisher.takesRun(runOf('only', RUN, 5))
    // Each subscriber gets single messages, except those that accept runs.
    expect(worked).toEqual([1 + RUN.length + RUN.length + deliveries])
  })

  it('is dropped for a subscriber that does not read, and counted and logged as so many messages', () => {
    const { subscriber, publisher } = opened()
    subscriber.connection.congested = true
    for (let times = 0; times < 2; times++) expect(publisher.takesRun(runOf('a', RUN, 5))).toBe(true)
    expect([subscriber.take(), broker.handler.counters.droppedQoS0]).toEqual([[], 6])
    expect(broker.log.at('warn')).toHaveLength(1)
    subscriber.connection.congested = false
    publisher.takesRun(runOf('a', RUN, 5))
    expect(payloads(subscriber.take())).toEqual(RUN)
  })
})
