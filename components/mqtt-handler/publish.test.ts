import { afterEach, describe, expect, it } from 'vitest'
import {
  HandlerHarness,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'

let broker: HandlerHarness
afterEach(() => broker.stop())

describe('no room to retain a message', () => {
  it.each([1, 2] as const)('at QoS %i nobody gets it, so that it may be sent again', (qos) => {
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

  it('is not delivered again to the others when the answer is lost', () => {
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
