import { afterEach, describe, expect, it } from 'vitest'
import { describePeer } from '../../src/kinds/peer.ts'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import {
  HandlerHarness,
  type HarnessClient,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'
import { RELEASE_BYTES } from './outgoing.ts'

let broker: HandlerHarness
let store: SlowStore
const start = async (from = new SlowStore(), config: object = {}) => {
  store = from
  broker = new HandlerHarness({ maximumInflight: 2, ...config }, { store }, () => store.settleAll())
  await broker.core.restore()
}
/** The process ends at once, and another begins with what was durable. */
const crash = async (config: object = {}) => {
  broker.stop()
  await start(store.crash(), config)
}
afterEach(() => broker.stop())

/** Everything that a client gets at QoS 1 when it acknowledges it. */
const allFor = (client: HarnessClient, first = client.take()): string[] => {
  const received: string[] = []
  for (let packets = first; packets.length > 0; ) {
    received.push(...payloads(packets))
    const publishes = packets.filter(({ cmd }) => cmd === 'publish')
    packets = client.take(...publishes.map(({ messageId }) => ({ cmd: 'puback', messageId: messageId! }) as const))
  }
  return received
}

const will = { topic: 'will', payload: Buffer.from('gone'), qos: 1 as const, retain: false }

describe('after a restart', () => {
  it('the log knows where a client was connected from', async () => {
    await start()
    const { connection } = broker.connect(persistent('client', { will }))
    store.settleAll()
    await crash()
    expect(broker.log.lines.find(({ message }) => message.startsWith('Will Message published'))).toMatchObject({
      client: 'client',
      remote: describePeer(connection.peer),
    })
  })

  it('sessions, subscriptions, what was in flight and what waited are there', async () => {
    await start()
    const subscriber = broker.connect(persistent('subscriber'))
    subscriber.take(subscribePacket({ a: {} }))
    store.settleAll()
    subscriber.take()
    const publisher = broker.connect({ clientId: 'publisher' })
    for (const n of [1, 2, 3, 4, 5]) {
      publisher.take(publishPacket({ qos: 2, messageId: n, payload: Buffer.from(`${n}`) }))
    }
    store.settleAll()
    const [first, second] = subscriber.take()
    subscriber.take({ cmd: 'pubrec', messageId: first!.messageId! })
    store.settleAll()
    await crash()
    const again = broker.open()
    // A stored session is resumed at once.
    const sent = again.take(connectPacket(persistent('subscriber')))
    expect(sent[0]).toMatchObject({ cmd: 'connack', sessionPresent: true })
    expect(sent.slice(1)).toMatchObject([
      { cmd: 'pubrel', messageId: first!.messageId },
      { cmd: 'publish', messageId: second!.messageId, dup: true, payload: Buffer.from('2') },
    ])
    // The one in flight whose content is kept, the three that wait, and what is kept of the one that was received.
    expect(broker.core.gauges.queuedBytes).toBe(4 * (450 + 2) + RELEASE_BYTES)
    again.take({ cmd: 'pubcomp', messageId: first!.messageId! })
    store.settleAll()
    expect(payloads(again.take())).toEqual(['3'])
    // New messages come behind those that wait.
    broker.connect({ clientId: 'publisher' }).take(publishPacket({ qos: 1, payload: Buffer.from('6') }))
    expect(payloads(again.take())).toEqual([])
    const id = second!.messageId!
    again.take({ cmd: 'pubrec', messageId: id })
    store.settleAll()
    expect(again.take()).toEqual([{ cmd: 'pubrel', messageId: id }])
    again.take({ cmd: 'pubcomp', messageId: id })
    store.settleAll()
    expect(payloads(again.take())).toEqual(['4'])
    expect(broker.core.sessions.get('subscriber')?.outbox.waiting).toBe(2)
  })

  it('a message at QoS 2 that was taken is not taken twice [MQTT-4.3.3-10]', async () => {
    await start()
    const publisher = broker.connect(persistent('publisher'))
    publisher.take(publishPacket({ qos: 2 }))
    store.settleAll()
    await crash()
    const subscriber = broker.connect({ clientId: 'subscriber' })
    subscriber.take(subscribePacket({ a: {} }))
    const again = broker.open()
    again.take(connectPacket(persistent('publisher')))
    store.settleAll()
    again.take()
    expect(again.take(publishPacket({ qos: 2, dup: true }))).toEqual([{ cmd: 'pubrec', messageId: 1 }])
    expect(payloads(subscriber.take())).toEqual([])
  })

  it('PUBREL packets are sent in the order of their PUBREC packets, and the order continues [MQTT-4.6.0-4]', async () => {
    await start(new SlowStore(), { maximumInflight: 5 })
    const subscriber = broker.connect(persistent('subscriber'))
    subscriber.take(subscribePacket({ a: {} }))
    const publisher = broker.connect({ clientId: 'publisher' })
    for (const n of [1, 2, 3, 4, 5]) publisher.take(publishPacket({ qos: 2, messageId: n }))
    store.settleAll()
    const [a, b, c, d, e] = subscriber.take().flatMap(({ cmd, messageId }) => (cmd === 'publish' ? [messageId!] : []))
    const received = (client: HarnessClient, ...ids: number[]) => {
      client.take(...ids.map((messageId) => ({ cmd: 'pubrec', messageId }) as const))
      store.settleAll()
      client.take()
    }
    const cmds = (client: HarnessClient) => client.sent.map(({ cmd, messageId }) => [cmd, messageId]).slice(1)
    const reconnect = () => {
      const client = broker.open()
      client.sent.push(...client.take(connectPacket(persistent('subscriber', { properties: { receiveMaximum: 1 } }))))
      store.settleAll()
      return client
    }
    received(subscriber, c!, a!)
    await crash({ maximumInflight: 5 })
    const again = reconnect()
    expect(cmds(again)).toEqual([
      ['pubrel', c],
      ['pubrel', a],
      ['publish', b],
    ])
    received(again, e!, b!)
    await crash({ maximumInflight: 5 })
    expect(cmds(reconnect())).toEqual([
      ['pubrel', c],
      ['pubrel', a],
      ['pubrel', e],
      ['pubrel', b],
      ['publish', d],
    ])
  })

  it('what was not acknowledged before is not there', async () => {
    await start()
    const subscriber = broker.connect(persistent('subscriber'))
    subscriber.take(subscribePacket({ a: {} }))
    store.settleAll()
    const publisher = broker.connect({ clientId: 'publisher' })
    expect(publisher.take(publishPacket({ qos: 1 }))).toEqual([])
    await crash()
    expect(broker.core.sessions.get('subscriber')?.outbox.waiting).toBe(0)
  })

  it('a session that then ends leaves nothing, and its share to another member', async () => {
    await start()
    const subscriber = broker.connect(persistent('subscriber'))
    subscriber.take(subscribePacket({ '$share/g/a': { qos: 1 } }))
    const publisher = broker.connect({ clientId: 'publisher' })
    for (const n of [1, 2, 3, 4]) {
      publisher.take(publishPacket({ qos: 1, messageId: n, payload: Buffer.from(`${n}`) }))
    }
    expect(payloads(subscriber.take())).toEqual(['1', '2'])
    store.settleAll()
    await crash()
    const member = broker.connect({ clientId: 'member' })
    // What was not sent waits for any member, what was sent for that one.
    expect(allFor(member, member.take(subscribePacket({ '$share/g/a': { qos: 1 } })))).toEqual(['3', '4'])
    expect(broker.core.gauges.queuedBytes).toBeGreaterThan(0)
    broker.connect({ clientId: 'subscriber', clean: true })
    expect(allFor(member)).toEqual(['1', '2'])
    expect(broker.core.gauges.queuedBytes).toBe(0)
  })

  it('the oldest message that waits gives way to a new one, however many are in flight', async () => {
    await start()
    broker.connect(persistent('subscriber')).take(subscribePacket({ a: {} }))
    const publish = (...numbers: number[]) => {
      const publisher = broker.connect({ clientId: 'publisher' })
      for (const n of numbers) publisher.take(publishPacket({ qos: 1, messageId: n, payload: Buffer.from(`${n}`) }))
    }
    publish(1, 2, 3, 4, 5, 6)
    store.settleAll()
    await crash({ queueFullPolicy: 'drop-oldest', maximumQueuedMessages: 4 })
    publish(7)
    const again = broker.open()
    const first = again.take(connectPacket(persistent('subscriber')))
    expect(allFor(again, first)).toEqual(['1', '2', '4', '5', '6', '7'])
  })

  it('the Will of a client that was connected is published, to subscribers that were there', async () => {
    await start()
    broker.connect(persistent('mourner')).take(subscribePacket({ will: {} }))
    broker.connect(persistent('dead', { will }))
    store.settleAll()
    await crash()
    expect(broker.core.sessions.get('mourner')?.outbox.waiting).toBe(1)
  })

  it('retained messages are there', async () => {
    await start()
    const publisher = broker.connect({ clientId: 'publisher' })
    publisher.take(publishPacket({ qos: 1, topic: 'a/b', retain: true }), publishPacket({ topic: 'a/c', retain: true }))
    publisher.take(publishPacket({ topic: 'a/c', retain: true, payload: Buffer.alloc(0) }))
    store.settleAll()
    await crash()
    const subscriber = broker.connect({ clientId: 'subscriber' })
    expect(subscriber.take(subscribePacket({ 'a/#': {} }))).toMatchObject([
      { cmd: 'suback' },
      { cmd: 'publish', topic: 'a/b', retain: true, qos: 1 },
    ])
  })
})

it('PUBREC for a message that waits for the store, and was not sent, does not keep the session from ending', async () => {
  await start()
  const member = broker.connect(persistent('member'))
  member.take(subscribePacket({ '$share/g/a': { qos: 2 } }))
  store.settleAll()
  member.take()
  broker.connect({ clientId: 'publisher' }).take(publishPacket({ qos: 2 }))
  expect(payloads(member.take())).toEqual([])
  member.take({ cmd: 'pubrec', messageId: 1 })
  member.take({ cmd: 'disconnect', properties: { sessionExpiryInterval: 0 } })
  expect(broker.core.sessions.get('member')).toBeUndefined()
  expect(broker.core.gauges.queuedBytes).toBe(0)
})
