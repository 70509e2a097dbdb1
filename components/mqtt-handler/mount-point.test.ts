import type { IPublishPacket } from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Authorizer } from '../../src/kinds/authorizer.ts'
import { Message } from '../../src/mqtt/message.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import {
  HandlerHarness,
  type HarnessClient,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { runOf } from '../../test/helpers/mailbox.ts'
import { MountPoint } from './mount-point.ts'

/** `inside` is a client of a listener with the mount point `m/`; `outside` sees the full topics. */
let broker: HandlerHarness
let outside: HarnessClient
let inside: HarnessClient
const MOUNTED = { mountPoint: 'm/' }
const mounted = (clientId: string, fields: object = {}): HarnessClient =>
  broker.connect({ clientId, ...fields }, 5, MOUNTED)
beforeEach(() => {
  broker = new HandlerHarness()
  outside = broker.connect({ clientId: 'outside' })
  inside = mounted('inside')
})
afterEach(() => broker.stop())

const publishes = (client: HarnessClient): IPublishPacket[] => client.take().filter((each) => each.cmd === 'publish')
const topics = (client: HarnessClient): string[] => publishes(client).map(({ topic }) => topic)

describe('a client of a listener with a mount point', () => {
  it('publishes below it', () => {
    outside.take(subscribePacket({ '#': {} }))
    inside.take(publishPacket({ topic: 'a' }), publishPacket({ topic: 'b/c', qos: 1, messageId: 2 }))
    expect(topics(outside)).toEqual(['m/a', 'm/b/c'])
  })

  it('subscribes below it, and gets topics without it', () => {
    inside.take(subscribePacket({ '#': {} }))
    outside.take(...['m/a', 'a', 'mm/a', 'm', 'm/b/c'].map((topic) => publishPacket({ topic })))
    expect(topics(inside)).toEqual(['a', 'b/c'])
  })

  it.each([0, 1, 2] as const)('gets its own messages at QoS %i as it sent them', (qos) => {
    inside.take(subscribePacket({ '+/b': {} }))
    const sent = inside.take(publishPacket({ topic: 'a/b', qos, payload: 'text' }))
    expect(sent.find(({ cmd }) => cmd === 'publish')).toMatchObject({ topic: 'a/b', payload: Buffer.from('text'), qos })
  })

  it('shares a subscription below it: the prefix is behind the ShareName', () => {
    inside.take(subscribePacket({ '$share/g/a/#': {} }))
    expect([...broker.core.sessions.get('inside')!.subscriptions.keys()]).toEqual(['$share/g/m/a/#'])
    outside.take(publishPacket({ topic: 'm/a/1' }))
    expect(topics(inside)).toEqual(['a/1'])
  })

  it('ends its subscriptions by the filters that it subscribed to', () => {
    inside.take(subscribePacket({ a: {}, '$share/g/b': {} }))
    const unsubscribe = { cmd: 'unsubscribe', messageId: 9, unsubscriptions: ['a', '$share/g/b', 'm/a'] } as const
    expect(inside.take({ ...unsubscribe, unsubscriptions: [...unsubscribe.unsubscriptions] })).toMatchObject([
      { granted: [ReasonCode.Success, ReasonCode.Success, ReasonCode.NoSubscriptionExisted] },
    ])
  })

  it('retains messages below it, and gets them without it', () => {
    inside.take(publishPacket({ topic: 'a', retain: true }))
    outside.take(publishPacket({ topic: 'a', retain: true, payload: 'outside' }))
    inside.take(publishPacket({ topic: 'b', retain: true }), publishPacket({ topic: 'b', retain: true, payload: '' }))
    const other = mounted('other')
    const sent = other.take(subscribePacket({ '#': {} })).filter(({ cmd }) => cmd === 'publish')
    expect(sent).toMatchObject([{ topic: 'a', retain: true, payload: Buffer.from('payload') }])
  })

  it('uses Topic Aliases, in both directions', () => {
    outside.take(subscribePacket({ '#': {} }))
    const alias = (topic: string, more: object = {}) => publishPacket({ topic, properties: { topicAlias: 1, ...more } })
    inside.take(alias('a'), alias(''), alias('', { responseTopic: 'r' }))
    const got = publishes(outside)
    expect(got.map(({ topic }) => topic)).toEqual(['m/a', 'm/a', 'm/a'])
    expect(got[2]).toMatchObject({ properties: { responseTopic: 'm/r' } })
    const aliased = mounted('aliased', { properties: { topicAliasMaximum: 5 } })
    aliased.take(subscribePacket({ long: {} }))
    for (let n = 0; n < 4; n++) outside.take(publishPacket({ topic: 'm/long' }))
    expect(publishes(aliased).map(({ topic, properties }) => [topic, properties?.topicAlias])).toEqual([
      ['long', undefined],
      ['long', undefined],
      ['long', 1],
      ['', 1],
    ])
  })

  it('has its Response Topic below it, and other properties as they are', () => {
    const properties = {
      payloadFormatIndicator: true,
      contentType: 'text',
      responseTopic: 'answers/1',
      correlationData: Buffer.from('\x08'),
      userProperties: { a: '1', b: '2' },
    }
    outside.take(subscribePacket({ '#': {} }))
    inside.take(subscribePacket({ '#': {} }))
    expect(inside.take(publishPacket({ topic: 'a', properties }))).toMatchObject([{ topic: 'a', properties }])
    expect(publishes(outside)).toMatchObject([{ properties: { ...properties, responseTopic: 'm/answers/1' } }])
  })

  it('gets no Response Topic outside of it, to which it could not publish', () => {
    inside.take(subscribePacket({ '#': {} }))
    const of = (topic: string, responseTopic: string) =>
      publishPacket({ topic, properties: { responseTopic, contentType: 'text' } })
    outside.take(of('m/b', 'm/r'), of('m/c', 'elsewhere'))
    const [b, c] = publishes(inside)
    expect(b).toMatchObject({ topic: 'b', properties: { responseTopic: 'r', contentType: 'text' } })
    expect(c).toMatchObject({ topic: 'c', properties: { contentType: 'text' } })
    expect(c).not.toHaveProperty('properties.responseTopic')
  })

  it('has its Will below it, with its Response Topic', () => {
    outside.take(subscribePacket({ '#': {} }))
    const will = { topic: 'will', payload: Buffer.from('gone'), qos: 0, retain: false } as const
    const client = broker.open(5, MOUNTED)
    client.take({
      ...connectPacket({ clientId: 'w', will }),
      willProperties: Buffer.from('\x08\0\x01r'),
    } as never)
    client.lose()
    expect(publishes(outside)).toMatchObject([{ topic: 'm/will', properties: { responseTopic: 'm/r' } }])
  })

  it('cannot publish to topics that begin with $, nor is its Will on one published', () => {
    outside.take(subscribePacket({ '#': {}, '$SYS/#': {}, 'm/#': {} }))
    expect(inside.take(publishPacket({ topic: '$SYS/a', qos: 1 }))).toMatchObject([
      { cmd: 'puback', reasonCode: ReasonCode.TopicNameInvalid },
    ])
    const will = { topic: '$SYS/will', payload: Buffer.from('gone'), qos: 0, retain: false } as const
    mounted('w', { will }).lose()
    expect(publishes(outside)).toEqual([])
  })

  it('does not get topics of the server', () => {
    inside.take(subscribePacket({ '$SYS/#': {}, '#': {} }))
    broker.broker.publish({ topic: '$SYS/broker/version', payload: '1' })
    expect(publishes(inside)).toEqual([])
  })

  it('takes runs of messages one by one', () => {
    inside.take(subscribePacket({ '#': {} }))
    outside.takesRuns = inside.takesRuns = true
    expect(outside.takesRun(runOf('m/a', ['1', '2', '3'], 5))).toBe(true)
    expect(inside.runs).toEqual([])
    expect(topics(inside)).toEqual(['a', 'a', 'a'])
    expect(inside.takesRun(runOf('a', ['1', '2', '3'], 5))).toBe(false)
    const acknowledged = runOf('m/a', ['1', '2'], 5, '', 1)
    expect(broker.core.sessions.get('inside')!.recipient!.takesRun(acknowledged, [])).toBe(false)
  })

  it('is disconnected for a topic that is too long with it (0x90)', () => {
    expect(inside.take(publishPacket({ topic: 'a'.repeat(65_534) }))).toMatchObject([
      { cmd: 'disconnect', reasonCode: ReasonCode.TopicNameInvalid },
    ])
    const will = { topic: 'a'.repeat(65_534), payload: Buffer.from('gone'), qos: 0, retain: false } as const
    expect(broker.open(5, MOUNTED).take(connectPacket({ clientId: 'w', will }))).toMatchObject([
      { cmd: 'connack', reasonCode: ReasonCode.TopicNameInvalid },
    ])
  })
})

describe('a session that was made without the mount point', () => {
  it('gives a client only what is below it, and the window does not fill with what is not', () => {
    const before = broker.connect(persistent('p', { properties: { sessionExpiryInterval: 60, receiveMaximum: 1 } }))
    before.take(subscribePacket({ '#': {} }))
    before.lose()
    for (const [messageId, topic] of ['a', 'm/b', 'c', 'm/d'].entries()) {
      outside.take(publishPacket({ topic, qos: 1, messageId: messageId + 1 }))
    }
    const after = broker.open(5, MOUNTED)
    const sent = after.take(
      connectPacket(persistent('p', { properties: { sessionExpiryInterval: 60, receiveMaximum: 1 } })),
    )
    expect(sent).toMatchObject([
      { cmd: 'connack', sessionPresent: true },
      { cmd: 'publish', topic: 'b' },
    ])
    const { messageId } = sent[1] as IPublishPacket
    expect(after.take({ cmd: 'puback', messageId: messageId! })).toMatchObject([{ cmd: 'publish', topic: 'd' }])
  })
})

describe('a Response Topic that is too long with the mount point', () => {
  const mountPoint = new MountPoint('m/')
  const withResponseTopic = (length: number): Message =>
    Message.of({
      ...{ topic: 'a', payload: '1', qos: 0, retain: false },
      properties: Buffer.concat([Buffer.from([8, length >> 8, length & 255]), Buffer.alloc(length, 'r')]),
    })

  it('is refused, since the client that answers could not publish to it', () => {
    expect(mountPoint.fullMessage(withResponseTopic(65_534))).toBeUndefined()
    const { properties } = mountPoint.fullMessage(withResponseTopic(65_533))!
    expect([properties.length, properties.toString('latin1', 1, 6)]).toEqual([65_538, '\u00ff\u00ffm/r'])
  })

  it('ends the connection with Topic Name invalid (0x90)', () => {
    const properties = { responseTopic: 'r'.repeat(65_534) }
    expect(inside.take(publishPacket({ topic: 'a', properties }))).toMatchObject([
      { cmd: 'disconnect', reasonCode: ReasonCode.TopicNameInvalid },
    ])
  })
})

it('the form of a message that is kept does not use the memory of the lent one', () => {
  const mountPoint = new MountPoint('m/')
  const bytes = Buffer.from('m/a1')
  const lent = new Message()
  Object.assign(Message.refill(lent, bytes), { topicStart: 0, topicEnd: 3, payloadStart: 3, payloadEnd: 4 })
  expect(mountPoint.ownMessage(lent)!.topic).toBe('a')
  expect(mountPoint.ownMessage(lent)).toBe(mountPoint.ownMessage(lent))
  const kept = lent.keep()
  bytes.fill('x')
  expect(mountPoint.ownMessage(kept)).toMatchObject({ topic: 'a', payload: Buffer.from('1') })
})

it('authorizers are asked about the full topics', () => {
  broker.stop()
  const asked: string[] = []
  const allow = (what: string) => {
    asked.push(what)
    return 'allow' as const
  }
  const authorizer: Authorizer = {
    mayPublish: (_, topic) => allow(`publish ${topic}`),
    maySubscribe: (_, filter) => allow(`subscribe ${filter}`),
    mayReceive: (_, topic) => allow(`receive ${topic}`),
  }
  broker = new HandlerHarness({}, { authorizers: [authorizer] })
  const client = mounted('a')
  client.take(subscribePacket({ 'a/+': {}, '$share/g/b': {} }), publishPacket({ topic: 'a/1' }))
  expect(asked).toEqual(['subscribe m/a/+', 'subscribe m/b', 'publish m/a/1', 'receive m/a/1'])
})
