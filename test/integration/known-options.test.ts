import { afterEach, describe, expect, it } from 'vitest'
import { SendQuota } from '../../components/broker/send-quota.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { connectPacket } from '../helpers/connect-packet.ts'
import { HandlerHarness, payloads, publishPacket, subscribePacket } from '../helpers/handler-harness.ts'
import { runOf } from '../helpers/mailbox.ts'

let broker: HandlerHarness
afterEach(() => broker.stop())

const withSubscriber = (config: object) => {
  broker = new HandlerHarness(config)
  const subscriber = broker.connect({ clientId: 'subscriber' })
  subscriber.take(subscribePacket({ '#': {} }))
  return subscriber
}

describe('maximumPayloadBytes', () => {
  const four = Buffer.from('1234')
  const five = Buffer.from('12345')

  it.each([
    [5, 0, []],
    [5, 1, [{ cmd: 'puback', reasonCode: ReasonCode.QuotaExceeded }]],
    [5, 2, [{ cmd: 'pubrec', reasonCode: ReasonCode.QuotaExceeded }]],
    [4, 0, []],
    [4, 1, [{ cmd: 'puback' }]],
    [4, 2, [{ cmd: 'pubrec' }]],
    [3, 1, [{ cmd: 'puback' }]],
  ] as const)(
    'from version %i at QoS %i: a larger message is answered, and is not delivered or retained',
    (version, qos, answers) => {
      const subscriber = withSubscriber({ maximumPayloadBytes: 4 })
      const client = broker.connect({ clientId: 'a' }, version)
      const publish = (payload: Buffer) =>
        client.take(publishPacket({ qos, payload, retain: true, topic: `t/${payload}` }))
      expect(publish(five)).toMatchObject(answers)
      expect(client.connection.open).toBe(true)
      expect(payloads(subscriber.take())).toEqual([])
      if (qos === 2) client.take({ cmd: 'pubrel', messageId: 1 })
      publish(four)
      expect(payloads(subscriber.take())).toEqual(['1234'])
      expect(broker.core.retained.messages.count).toBe(1)
      expect(broker.handler.counters).toMatchObject({ tooLargePayloads: 1, refusedPublishes: 1 })
    },
  )

  it.each([
    [5, { reasonCode: ReasonCode.QuotaExceeded }],
    [4, { returnCode: 3 }],
  ] as const)('a client of version %i with a larger Will is refused', (version, answer) => {
    broker = new HandlerHarness({ maximumPayloadBytes: 4 })
    const will = { topic: 'w', qos: 0, retain: false } as const
    const connect = (payload: Buffer) =>
      broker.open(version).take(connectPacket({ clientId: 'a', will: { ...will, payload } }))
    expect(connect(five)).toMatchObject([{ cmd: 'connack', ...answer }])
    expect(connect(four)).toMatchObject([{ cmd: 'connack', [version === 5 ? 'reasonCode' : 'returnCode']: 0 }])
  })

  it('holds for messages that come as a run', () => {
    const subscriber = withSubscriber({ maximumPayloadBytes: 30 })
    const client = broker.connect({ clientId: 'a' })
    expect(client.takesRun(runOf('a', ['1', '2'.repeat(31)], 5))).toBe(false)
    expect(client.takesRun(runOf('a', ['1', '2'], 5))).toBe(true)
    expect(payloads(subscriber.take())).toEqual(['1', '2'])
  })
})

describe('allowEmptyClientIdentifier: false', () => {
  it.each([
    [5, { reasonCode: ReasonCode.ClientIdentifierNotValid }],
    [4, { returnCode: 2 }],
  ] as const)('a client of version %i without a Client Identifier is refused [MQTT-3.1.3-8]', (version, answer) => {
    broker = new HandlerHarness({ allowEmptyClientIdentifier: false })
    const client = broker.open(version)
    expect(client.take(connectPacket({ clientId: '', clean: true }))).toMatchObject([{ cmd: 'connack', ...answer }])
    expect(client.connection.open).toBe(false)
  })
})

describe('clientIdentifierPrefix', () => {
  it('refuses Client Identifiers that begin otherwise, and assigned ones too [MQTT-3.1.4-2]', () => {
    broker = new HandlerHarness({ clientIdentifierPrefix: 'site-' })
    const codeOf = (clientId: string, version: 4 | 5 = 5) => broker.open(version).take(connectPacket({ clientId }))[0]
    expect(codeOf('site-1')).toMatchObject({ reasonCode: 0 })
    for (const other of ['other', 'Site-1', '']) {
      expect(codeOf(other)).toMatchObject({ reasonCode: ReasonCode.ClientIdentifierNotValid })
    }
    expect(codeOf('other', 4)).toMatchObject({ returnCode: 2 })
    broker.stop()
    broker = new HandlerHarness({ clientIdentifierPrefix: 'site-', assignedClientIdentifierPrefix: 'site-auto-' })
    expect(codeOf('')).toMatchObject({ reasonCode: 0 })
  })
})

describe('assignedClientIdentifierPrefix', () => {
  it('begins the Assigned Client Identifier [MQTT-3.2.2-16]', () => {
    broker = new HandlerHarness({ assignedClientIdentifierPrefix: 'auto-' })
    const assigned = [1, 2].map(() => broker.connect({ clientId: '' }).connack) as { properties?: object }[]
    for (const connack of assigned) {
      expect(connack).toMatchObject({
        properties: { assignedClientIdentifier: expect.stringMatching(/^auto-[\da-f-]{36}$/) },
      })
    }
    expect(assigned[0]!.properties).not.toEqual(assigned[1]!.properties)
  })
})

describe('upgradeOutgoingQoS', () => {
  it.each([
    [false, [0, 0, 1, 1]],
    [true, [0, 1, 1, 2]],
  ])('%s: messages at QoS 0 and 1 to subscriptions of QoS 0, 1 and 2', (upgradeOutgoingQoS, expected) => {
    broker = new HandlerHarness({ upgradeOutgoingQoS })
    const qosOf = (published: 0 | 1, granted: 0 | 1 | 2) => {
      const topic = `t${published}${granted}`
      const client = broker.connect({ clientId: topic })
      client.take(subscribePacket({ [topic]: { qos: granted } }))
      broker.connect({ clientId: 'p' }).take(publishPacket({ topic, qos: published }))
      return client.take().map((packet) => packet.cmd === 'publish' && packet.qos)
    }
    expect([qosOf(0, 0), qosOf(0, 1), qosOf(1, 1), qosOf(1, 2)].flat()).toEqual(expected)
  })

  it('holds for retained messages, for runs, and for messages to a session whose client is away', () => {
    broker = new HandlerHarness({ upgradeOutgoingQoS: true })
    const publisher = broker.connect({ clientId: 'p' })
    publisher.take(publishPacket({ topic: 'r', retain: true }))
    const fields = { clientId: 's', clean: false, properties: { sessionExpiryInterval: 60 } } as const
    const client = broker.connect(fields)
    expect(client.take(subscribePacket({ '#': { qos: 1 } })).at(-1)).toMatchObject({
      cmd: 'publish',
      qos: 1,
      retain: true,
    })
    client.takesRuns = true
    expect(publisher.takesRun(runOf('a', ['1', '2'], 5))).toBe(true)
    expect(client.take()).toMatchObject([{ qos: 1 }, { qos: 1 }])
    client.lose()
    publisher.take(publishPacket({ payload: 'away' }))
    expect(payloads(broker.open(5).take(connectPacket(fields)))).toContain('away')
  })
})

describe('maximumInflightBytes', () => {
  const topic = 'a'
  const publishTo = (fields: object, version: 4 | 5 = 5) => {
    broker = new HandlerHarness({ maximumInflightBytes: 21 })
    const subscriber = broker.connect({ clientId: 's', ...fields }, version)
    subscriber.take(subscribePacket({ [topic]: {} }))
    const publisher = broker.connect({ clientId: 'p' })
    return {
      subscriber,
      publish: (qos: 1 | 2, ...texts: string[]) => {
        for (const [index, payload] of texts.entries())
          publisher.take(publishPacket({ topic, qos, payload, messageId: index + 1 }))
        return subscriber.take()
      },
    }
  }
  // Topic Name and payload: 10 bytes.
  const [one, two, three, four] = [1, 2, 3, 4].map((n) => `${n}`.repeat(9)) as [string, string, string, string]

  it.each([
    ['is not kept', {}],
    ['outlives its connection', { clean: false, properties: { sessionExpiryInterval: 60 } }],
  ])('no further message is sent while so many bytes are in flight, with a session that %s', (_, fields) => {
    const { subscriber, publish } = publishTo(fields)
    const sent = publish(1, one, two, three, four)
    // The third one is sent at 20 bytes, and exceeds the limit.
    expect(payloads(sent)).toEqual([one, two, three])
    const puback = (messageId: number | undefined) =>
      payloads(subscriber.take({ cmd: 'puback', messageId: messageId! }))
    expect(puback(sent[0]!.messageId)).toEqual([four])
    expect(puback(sent[1]!.messageId)).toEqual([])
  })

  it('at QoS 2 they are in flight until PUBCOMP', () => {
    const { subscriber, publish } = publishTo({})
    const [first] = publish(2, one, two, three, four)
    const messageId = first!.messageId!
    expect(subscriber.take({ cmd: 'pubrec', messageId })).toMatchObject([{ cmd: 'pubrel' }])
    expect(payloads(subscriber.take({ cmd: 'pubcomp', messageId }))).toEqual([four])
  })

  it('a message that is larger than the limit is sent when no other is in flight', () => {
    const { subscriber, publish } = publishTo({}, 4)
    const large = 'x'.repeat(1_000)
    const sent = publish(1, one, large, two)
    expect(payloads(sent)).toEqual([one, large])
    subscriber.take({ cmd: 'puback', messageId: sent[0]!.messageId! })
    expect(payloads(subscriber.take({ cmd: 'puback', messageId: sent[1]!.messageId! }))).toEqual([two])
  })

  it('a connection begins with none, and sends again at most so many', () => {
    const fields = { clientId: 's', clean: false, properties: { sessionExpiryInterval: 60 } } as const
    const { subscriber, publish } = publishTo(fields)
    publish(1, one, two, three, four)
    subscriber.lose()
    const again = broker.open(5)
    const sent = again.take(connectPacket(fields))
    expect(payloads(sent)).toEqual([one, two, three])
    expect(payloads(again.take({ cmd: 'puback', messageId: sent[1]!.messageId! }))).toEqual([four])
  })

  it('messages that come as a run are counted one by one', () => {
    const quota = new SendQuota()
    const limits = { first: 10, most: 10, mostAtQoS2: 10 }
    quota.open(10, { ...limits, mostBytes: Number.POSITIVE_INFINITY }, 0)
    expect(quota.hasRoomForRun(2, 0)).toBe(true)
    quota.open(10, { ...limits, mostBytes: 1_000 }, 0)
    expect(quota.hasRoomForRun(2, 0)).toBe(false)
  })
})
