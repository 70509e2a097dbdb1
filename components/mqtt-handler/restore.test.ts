import { afterEach, describe, expect, it } from 'vitest'
import {
  connectPacket,
  HandlerHarness,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'

let broker: HandlerHarness
let store: SlowStore
const start = async (from = new SlowStore()) => {
  store = from
  broker = new HandlerHarness({ maximumInflight: 2 }, { store }, () => store.settleAll())
  await broker.handler.restore()
}
/** The process ends at once, and another begins with what was durable. */
const crash = async () => {
  broker.stop()
  await start(store.crash())
}
afterEach(() => broker.stop())

const will = { topic: 'will', payload: Buffer.from('gone'), qos: 1 as const, retain: false }

describe('after a restart', () => {
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
    const [first, second] = subscriber.take()
    subscriber.take({ cmd: 'pubrec', messageId: first!.messageId! })
    store.settleAll()
    await crash()
    const again = broker.open()
    again.take(connectPacket(persistent('subscriber')))
    store.settleAll()
    const sent = again.take()
    expect(sent[0]).toMatchObject({ cmd: 'connack', sessionPresent: true })
    expect(sent.slice(1)).toMatchObject([
      { cmd: 'pubrel', messageId: first!.messageId },
      { cmd: 'publish', messageId: second!.messageId, dup: true, payload: Buffer.from('2') },
      { cmd: 'publish', dup: false, payload: Buffer.from('3') },
    ])
    again.take({ cmd: 'pubcomp', messageId: first!.messageId! })
    // New messages come behind those that wait.
    broker.connect({ clientId: 'publisher' }).take(publishPacket({ qos: 1, payload: Buffer.from('6') }))
    expect(payloads(again.take())).toEqual([])
    const id = second!.messageId!
    again.take({ cmd: 'pubrec', messageId: id })
    store.settleAll()
    expect(again.take()).toEqual([{ cmd: 'pubrel', messageId: id }])
    expect(payloads(again.take({ cmd: 'pubcomp', messageId: id }))).toEqual(['4'])
    expect(broker.handler.sessions.get('subscriber')?.outbox.waiting).toBe(2)
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

  it('what was not acknowledged before is not there', async () => {
    await start()
    const subscriber = broker.connect(persistent('subscriber'))
    subscriber.take(subscribePacket({ a: {} }))
    store.settleAll()
    const publisher = broker.connect({ clientId: 'publisher' })
    expect(publisher.take(publishPacket({ qos: 1 }))).toEqual([])
    await crash()
    expect(broker.handler.sessions.get('subscriber')?.outbox.waiting).toBe(0)
  })

  it('the Will of a client that was connected is published, to subscribers that were there', async () => {
    await start()
    broker.connect(persistent('mourner')).take(subscribePacket({ will: {} }))
    broker.connect(persistent('dead', { will }))
    store.settleAll()
    await crash()
    expect(broker.handler.sessions.get('mourner')?.outbox.waiting).toBe(1)
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
