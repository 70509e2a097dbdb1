import type { Packet } from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
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
import { Outbox } from '../broker/outbox.ts'
import { AckGate } from './ack-gate.ts'

/** The promise of the broker: what it acknowledges is on disk for everybody it is owed to. */
describe('with a store that is slow', () => {
  let store: SlowStore
  let broker: HandlerHarness
  let subscriber: HarnessClient
  let publisher: HarnessClient
  beforeEach(() => {
    store = new SlowStore()
    broker = new HandlerHarness({}, { store }, () => store.settleAll())
    subscriber = broker.connect(persistent('subscriber'))
    subscriber.take(subscribePacket({ a: {} }))
    publisher = broker.connect({ clientId: 'publisher' })
    store.settleAll()
    subscriber.take()
  })
  afterEach(() => broker.stop())

  const settled = (client: HarnessClient) => {
    expect(client.take()).toEqual([])
    store.settleAll()
    return client.take()
  }

  it('CONNACK of a session that outlives its connection waits, and nothing is read meanwhile', () => {
    const client = broker.open()
    expect(client.take(connectPacket(persistent('new')))).toEqual([])
    expect(client.connection.paused).toBe(true)
    expect(settled(client)).toMatchObject([{ cmd: 'connack', reasonCode: 0 }])
    expect(client.connection.paused).toBe(false)
  })

  it('CONNACK of a stored session does not wait, whatever else does', () => {
    publisher.take(publishPacket({ qos: 1 }))
    subscriber.lose()
    const again = broker.open()
    expect(again.take(connectPacket(persistent('subscriber', { will: { ...publishPacket() } })))).toMatchObject([
      { cmd: 'connack', sessionPresent: true },
      { cmd: 'publish', qos: 1, dup: true },
    ])
    expect(again.connection.paused).toBe(false)
  })

  it('CONNACK of a session that is not stored yet waits, also when the session is resumed', () => {
    broker.open().take(connectPacket(persistent('new')))
    const again = broker.open()
    again.take(connectPacket(persistent('new')))
    expect(settled(again)).toMatchObject([{ cmd: 'connack', sessionPresent: true }])
  })

  it('what is promised again over a new connection waits for the records of the one before', () => {
    const reconnect = (client: HarnessClient) => {
      client.lose()
      const again = broker.open()
      expect(again.take(connectPacket(persistent('both')))).toMatchObject([{ cmd: 'connack', sessionPresent: true }])
      return again
    }
    let both = broker.connect(persistent('both'))
    both.take(publishPacket({ qos: 2, topic: 'nobody' }))
    both = reconnect(both)
    both.take(publishPacket({ qos: 2, topic: 'nobody', dup: true }))
    expect(settled(both)).toMatchObject([{ cmd: 'pubrec', messageId: 1 }])

    both.take({ cmd: 'pubrel', messageId: 1 })
    both = reconnect(both)
    both.take({ cmd: 'pubrel', messageId: 1 })
    expect(settled(both)).toMatchObject([{ cmd: 'pubcomp', messageId: 1 }])

    both.take(subscribePacket({ both: {} }))
    expect(settled(both)).toMatchObject([{ cmd: 'suback' }])
    both.take({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['both'] })
    both = reconnect(both)
    both.take({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['both'] })
    expect(settled(both)).toMatchObject([{ cmd: 'unsuback' }])
  })

  it('PUBREL over a new connection waits until PUBREC is durable; messages at QoS 1 do not wait for it', () => {
    publisher.take(publishPacket({ qos: 2 }))
    store.settleAll()
    const [{ messageId } = { messageId: 0 }] = subscriber.take()
    subscriber.take({ cmd: 'pubrec', messageId: messageId! })
    subscriber.lose()
    publisher.take(publishPacket({ qos: 1, messageId: 2 }))
    const again = broker.open()
    expect(again.take(connectPacket(persistent('subscriber')))).toMatchObject([
      { cmd: 'connack' },
      { cmd: 'publish', qos: 1 },
    ])
    expect(settled(again)).toEqual([{ cmd: 'pubrel', messageId }])
  })

  it('CONNACK of a session that ends with its connection does not', () => {
    expect(broker.connect({ clientId: 'new' }).connack).toMatchObject({ cmd: 'connack', reasonCode: 0 })
  })

  it('SUBACK and UNSUBACK wait', () => {
    subscriber.take(subscribePacket({ b: {} }))
    expect(settled(subscriber)).toMatchObject([{ cmd: 'suback' }])
    subscriber.take({ cmd: 'unsubscribe', messageId: 6, unsubscriptions: ['b'] })
    expect(settled(subscriber)).toMatchObject([{ cmd: 'unsuback' }])
  })

  it.each<[string, (n: number) => Packet[]]>([
    ['PUBLISH at QoS 2', (n) => [publishPacket({ qos: 2, messageId: n })]],
    ['one PUBLISH at QoS 2, again and again', () => [publishPacket({ qos: 2, dup: true })]],
    ['PUBREL', (n) => [{ cmd: 'pubrel', messageId: n }]],
    ['PUBREC', (n) => [{ cmd: 'pubrec', messageId: n }]],
    ['UNSUBSCRIBE', (n) => [{ cmd: 'unsubscribe', messageId: n, unsubscriptions: ['none'] }]],
  ])('who sends %s is not read while too many of its answers wait', (_, packets) => {
    const client = broker.connect(persistent('impatient'))
    client.take(subscribePacket({ b: {} }))
    let sent = 0
    while (sent < 5_000 && !client.connection.paused) client.take(...packets(++sent))
    expect(sent).toBeLessThanOrEqual(1_000)
    store.settleAll()
    expect(client.take()).toHaveLength(1 + sent)
    expect(client.connection.paused).toBe(false)
  })

  it('an answer to what was appended in an earlier batch waits for that, not for one that may stay empty', () => {
    const { journal } = broker.core
    const sent: string[] = []
    const gate = new AckGate(journal, {
      send: ({ cmd }) => void sent.push(cmd),
      answerLeft: () => undefined,
      awaitStore: () => undefined,
    })
    journal.append({ type: 'received', session: 'subscriber', packetIdentifier: 1 })
    store.endBatch()
    gate.send({ cmd: 'puback', messageId: 1 }, true)
    expect(sent).toEqual([])
    store.settleOldest()
    gate.release()
    expect(sent).toEqual(['puback'])
    // By now there is nothing to wait for.
    expect(gate.send({ cmd: 'puback', messageId: 2 }, true)).toBe(true)
  })

  it('asks only waiting clients when something is durable', () => {
    for (let n = 0; n < 10; n++) broker.connect({ clientId: `idle ${n}` })
    store.settleAll()
    const asked = vi.spyOn(Outbox.prototype, 'release')
    publisher.take(publishPacket({ qos: 1 }))
    expect(settled(publisher)).toHaveLength(1)
    expect(asked.mock.contexts).toEqual([broker.core.sessions.get('publisher')!.outbox])
    asked.mockRestore()
  })

  it('PUBACK waits for the queue of a session that outlives its connection', () => {
    publisher.take(publishPacket({ qos: 1 }))
    expect(settled(publisher)).toEqual([{ cmd: 'puback', messageId: 1 }])
  })

  it('PUBLISH at QoS 2 waits for its Packet Identifier, which the client will remember; at QoS 1 it does not', () => {
    publisher.take(publishPacket({ qos: 2, messageId: 1, payload: Buffer.from('two') }))
    publisher.take(publishPacket({ qos: 1, messageId: 2, payload: Buffer.from('one') }))
    expect(payloads(subscriber.take())).toEqual(['one'])
    expect(settled(subscriber)).toMatchObject([{ cmd: 'publish', qos: 2, dup: false, payload: Buffer.from('two') }])
  })

  it('PUBLISH at QoS 2 that still waits when the connection ends is not a duplicate on the next one', () => {
    publisher.take(publishPacket({ qos: 2, messageId: 1 }))
    subscriber.lose()
    const again = broker.open()
    expect(again.take(connectPacket(persistent('subscriber')))).toMatchObject([
      { cmd: 'connack', sessionPresent: true },
    ])
    expect(settled(again)).toMatchObject([{ cmd: 'publish', dup: false }])
  })

  it('PUBLISH at QoS 2 that still waits is not sent any more when the client claims to have it', () => {
    publisher.take(publishPacket({ qos: 2, messageId: 1 }))
    subscriber.take({ cmd: 'pubrec', messageId: 1 })
    expect(settled(subscriber)).toEqual([{ cmd: 'pubrel', messageId: 1 }])
  })

  it('PUBLISH at QoS 2 does not wait for a session that ends with its connection', () => {
    const other = broker.connect({ clientId: 'other' })
    other.take(subscribePacket({ b: {} }))
    publisher.take(publishPacket({ qos: 2, topic: 'b' }))
    expect(payloads(other.take())).toEqual(['payload'])
  })

  it('PUBACK waits for a retained message', () => {
    publisher.take(publishPacket({ qos: 1, topic: 'nobody', retain: true }))
    expect(settled(publisher)).toMatchObject([{ cmd: 'puback', messageId: 1 }])
  })

  it('PUBACK for a message without a persistent receiver does not wait', () => {
    const other = broker.connect({ clientId: 'other' })
    other.take(subscribePacket({ b: {} }))
    expect(publisher.take(publishPacket({ qos: 1, topic: 'b' }))).toEqual([{ cmd: 'puback', messageId: 1 }])
  })

  it('one that need not wait waits for those before it [MQTT-4.6.0-2]', () => {
    publisher.take(publishPacket({ qos: 1, messageId: 1 }), publishPacket({ qos: 1, messageId: 2, topic: 'nobody' }))
    expect(settled(publisher)).toMatchObject([{ messageId: 1 }, { messageId: 2 }])
  })

  it('leaves with its own batch, not with a later one', () => {
    publisher.take(publishPacket({ qos: 1, messageId: 1 }))
    store.endBatch()
    publisher.take(publishPacket({ qos: 1, messageId: 2 }))
    store.settleOldest()
    expect(publisher.take()).toMatchObject([{ messageId: 1 }])
    expect(settled(publisher)).toMatchObject([{ messageId: 2 }])
  })

  it('PUBREC, PUBREL and PUBCOMP wait at every step of QoS 2', () => {
    const both = broker.connect(persistent('both'))
    both.take(publishPacket({ qos: 2 }))
    expect(settled(both)).toEqual([{ cmd: 'pubrec', messageId: 1 }])
    both.take({ cmd: 'pubrel', messageId: 1 })
    expect(settled(both)).toEqual([{ cmd: 'pubcomp', messageId: 1 }])

    const [delivered] = subscriber.take()
    expect(delivered).toMatchObject({ cmd: 'publish', qos: 2 })
    subscriber.take({ cmd: 'pubrec', messageId: delivered!.messageId! })
    expect(settled(subscriber)).toEqual([{ cmd: 'pubrel', messageId: delivered!.messageId }])
  })

  it('a publisher is read no more when too many of its answers wait, until they have left', () => {
    for (let n = 1; n <= 1_000; n++) publisher.take(publishPacket({ qos: 1, messageId: n }))
    expect(publisher.connection.paused).toBe(true)
    store.settleAll()
    expect(publisher.connection.paused).toBe(false)
    expect(publisher.take()).toHaveLength(1_000)
  })

  it('answers of a client that is gone do not go to its next connection', () => {
    publisher.take(publishPacket({ qos: 1 }))
    publisher.lose()
    const again = broker.connect({ clientId: 'publisher' })
    store.settleAll()
    expect([...publisher.take(), ...again.take()]).toEqual([])
  })
})
