import type { Packet } from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
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

let store: SlowStore
let broker: HandlerHarness
let subscriber: HarnessClient
beforeEach(() => {
  store = new SlowStore()
  broker = new HandlerHarness({}, { store }, () => store.settleAll())
  subscriber = broker.connect(persistent('subscriber'))
  subscriber.take(subscribePacket({ a: {} }))
  store.settleAll()
  subscriber.take()
})
afterEach(() => broker.stop())

const quotaExceeded = {
  reasonCode: ReasonCode.QuotaExceeded,
  properties: { reasonString: expect.stringContaining('storage') },
}
const published = (fields: object = {}) => publishPacket({ qos: 1, ...fields })
const waiting = (clientId: string): number =>
  broker.broker.session(clientId)!.waiting + broker.broker.session(clientId)!.inflight

describe.each(['slow', 'stuck'] as const)('while the store is %s', (pressure) => {
  it('a client of MQTT 3 with an answer that waits is not read, until the store keeps pace again', () => {
    const publisher = broker.connect({ clientId: 'publisher' }, 4)
    publisher.take(published())
    expect(publisher.connection.paused).toBe(false)
    store.pressure = pressure
    publisher.take(published({ messageId: 2 }))
    expect(publisher.connection.paused).toBe(true)
    store.pressure = 'none'
    expect([publisher.connection.paused, publisher.take()]).toEqual([false, []])
    store.settleAll()
    expect(publisher.take()).toMatchObject([{ messageId: 1 }, { messageId: 2 }])
  })

  it('it is read again when its answers have left, though the store is no faster', () => {
    const publisher = broker.connect({ clientId: 'publisher' }, 4)
    store.pressure = pressure
    publisher.take(published())
    expect(publisher.connection.paused).toBe(true)
    store.settleAll()
    expect([publisher.connection.paused, publisher.take()]).toMatchObject([false, [{ cmd: 'puback' }]])
  })

  it('a subscriber whose PUBREL waits is read: its acknowledgements make room', () => {
    const publisher = broker.connect({ clientId: 'publisher' })
    publisher.take(published({ qos: 2 }))
    store.settleAll()
    const [{ messageId } = { messageId: 0 }] = subscriber.take()
    store.pressure = pressure
    expect(subscriber.take({ cmd: 'pubrec', messageId: messageId! })).toEqual([])
    expect(subscriber.connection.paused).toBe(false)
    subscriber.take(subscribePacket({ b: {} }))
    // The answer to SUBSCRIBE waits, or is behind PUBREL.
    expect(subscriber.connection.paused).toBe(true)
  })

  it.each<[string, ProtocolVersion]>([
    ['MQTT 5', 5],
    ['MQTT 3.1.1', 4],
  ])('what needs no store goes on, with %s', (_, version) => {
    const publisher = broker.connect({ clientId: 'publisher' }, version)
    store.pressure = pressure
    const other = broker.connect({ clientId: 'other' }, version)
    expect(other.connack).toMatchObject({ cmd: 'connack' })
    expect(other.take(subscribePacket({ b: {} }))).toMatchObject([{ cmd: 'suback', granted: [2] }])
    publisher.take(published({ topic: 'b', qos: 0, payload: Buffer.from('0') }))
    publisher.take(published({ topic: 'b', qos: 0, retain: true, payload: Buffer.from('retained') }))
    expect(payloads(other.take())).toEqual(['0', 'retained'])
    expect(publisher.take({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }])
    expect(other.take({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['b'] })).toMatchObject([
      { cmd: 'unsuback' },
    ])
    expect(publisher.connection.paused).toBe(false)
  })

  it('a client of a stored session gets its messages', () => {
    const publisher = broker.connect({ clientId: 'publisher' })
    subscriber.lose()
    publisher.take(published())
    store.settleAll()
    store.pressure = pressure
    const again = broker.open()
    const sent = again.take(connectPacket(persistent('subscriber')))
    expect(sent).toMatchObject([
      { cmd: 'connack', sessionPresent: true },
      { cmd: 'publish', qos: 1 },
    ])
    again.take({ cmd: 'puback', messageId: (sent[1] as { messageId: number }).messageId })
    expect([waiting('subscriber'), again.connection.paused]).toEqual([0, false])
  })
})

describe('while the store is slow', () => {
  it('MQTT 5 clients wait too: the store takes everything', () => {
    const publisher = broker.connect({ clientId: 'publisher' })
    store.pressure = 'slow'
    expect(publisher.take(published())).toEqual([])
    expect(publisher.connection.paused).toBe(true)
    store.settleAll()
    expect(publisher.take()).toEqual([{ cmd: 'puback', messageId: 1 }])
  })
})

describe('while the store is stuck', () => {
  it.each<[string, Packet, string]>([
    ['QoS 1', published(), 'puback'],
    ['QoS 1 without a subscriber', published({ topic: 'nobody' }), 'puback'],
    ['QoS 1 with RETAIN', published({ topic: 'nobody', retain: true }), 'puback'],
    ['QoS 2', published({ qos: 2 }), 'pubrec'],
  ])('a message at %s is refused before anyone gets it', (_, packet, answer) => {
    const publisher = broker.connect({ clientId: 'publisher' })
    const other = broker.connect({ clientId: 'other' })
    other.take(subscribePacket({ '#': {} }))
    store.pressure = 'stuck'
    expect(publisher.take(packet)).toMatchObject([{ cmd: answer, messageId: 1, ...quotaExceeded }])
    expect([other.take(), subscriber.take(), store.pending]).toEqual([[], [], []])
    expect(broker.handler.counters.unstoredPublishes).toBe(1)
    expect(broker.broker.retained('#')).toEqual([])
    store.pressure = 'none'
    // Packet Identifiers of refused messages are free: this is a new message.
    const answers = publisher.take(packet)
    store.settleAll()
    expect([...answers, ...publisher.take()]).toMatchObject([{ cmd: answer, messageId: 1 }])
    expect(payloads(other.take())).toEqual(['payload'])
  })

  it('messages that come together are refused one by one', () => {
    const publisher = broker.connect({ clientId: 'publisher' })
    store.pressure = 'stuck'
    expect(publisher.take(published(), published({ messageId: 2 }), published({ messageId: 3 }))).toMatchObject(
      [1, 2, 3].map((messageId) => ({ cmd: 'puback', messageId, ...quotaExceeded })),
    )
    expect(publisher.connection.paused).toBe(false)
  })

  it('a refusal waits for the answers before it, and counts towards Receive Maximum until then', () => {
    broker.stop()
    broker = new HandlerHarness({ receiveMaximum: 2 }, { store }, () => store.settleAll())
    const keeper = broker.connect(persistent('keeper'))
    keeper.take(subscribePacket({ a: {} }))
    const publisher = broker.connect({ clientId: 'publisher' })
    store.settleAll()
    publisher.take(published())
    store.pressure = 'stuck'
    expect(publisher.take(published({ messageId: 2 }))).toEqual([])
    store.settleAll()
    expect(publisher.take()).toMatchObject([{ messageId: 1 }, { messageId: 2, ...quotaExceeded }])
    expect(
      publisher.take(published({ messageId: 3 }), published({ messageId: 4 }), published({ messageId: 5 })),
    ).toHaveLength(3)
  })

  it('a QoS 2 message that was accepted before is answered and released', () => {
    const publisher = broker.connect({ clientId: 'publisher' })
    publisher.take(published({ qos: 2, topic: 'nobody' }))
    store.pressure = 'stuck'
    const answers = publisher.take(published({ qos: 2, topic: 'nobody', dup: true }), { cmd: 'pubrel', messageId: 1 })
    expect(answers).toMatchObject([
      { cmd: 'pubrec', messageId: 1 },
      { cmd: 'pubcomp', messageId: 1 },
    ])
    expect(answers[0]).not.toHaveProperty('reasonCode', ReasonCode.QuotaExceeded)
  })

  it('SUBSCRIBE of a stored session is refused filter by filter, without a line of the log for each client', () => {
    store.pressure = 'stuck'
    const answers = subscriber.take(subscribePacket({ b: {}, c: {} }))
    expect(answers).toMatchObject([{ cmd: 'suback', granted: [ReasonCode.QuotaExceeded, ReasonCode.QuotaExceeded] }])
    expect([broker.handler.counters.unstoredSubscriptions, store.pending]).toEqual([2, []])
    expect(broker.log.at('warn')).toHaveLength(1)
  })

  it('SUBSCRIBE of MQTT 3 waits', () => {
    const client = broker.connect({ clientId: 'three', clean: false }, 4)
    store.pressure = 'stuck'
    expect(client.take(subscribePacket({ b: {} }))).toEqual([])
    expect(client.connection.paused).toBe(true)
    store.pressure = 'none'
    store.settleAll()
    expect(client.take()).toMatchObject([{ cmd: 'suback', granted: [2] }])
  })

  it.each<[string, object, ProtocolVersion, object]>([
    ['MQTT 5', persistent('new'), 5, { reasonCode: ReasonCode.QuotaExceeded }],
    ['MQTT 5 with Clean Start', persistent('subscriber', { clean: true }), 5, { reasonCode: ReasonCode.QuotaExceeded }],
    ['MQTT 3.1.1', { clientId: 'new', clean: false }, 4, { returnCode: 3 }],
  ])('a new session that outlives its connection is refused, with %s', (_, fields, version, answer) => {
    store.pressure = 'stuck'
    const client = broker.open(version)
    expect(client.take(connectPacket(fields))).toMatchObject([{ cmd: 'connack', ...answer }])
    expect([client.connection.open, broker.core.counters.unstoredSessions, store.pending]).toEqual([false, 1, []])
    // A client that is connected keeps its session.
    expect(broker.broker.session('subscriber')?.connected).toBe(true)
  })
})

describe('the log', () => {
  const lines = () => broker.log.at('warn').map(({ message }) => message)

  it('has a line when the store cannot write, and one when it can again; a minute long no further ones', () => {
    for (let n = 0; n < 3; n += 1) {
      store.pressure = 'stuck'
      store.pressure = 'none'
    }
    expect(lines()).toEqual([
      expect.stringMatching(/^Store cannot write/),
      expect.stringMatching(/^Store could not write, and goes on/),
    ])
    expect(broker.core.counters).toMatchObject({ storeStuck: 3, storeSlow: 0 })
  })

  it('has lines for each of the two states', () => {
    store.pressure = 'slow'
    store.pressure = 'stuck'
    store.pressure = 'slow'
    store.pressure = 'none'
    expect(lines()).toEqual([
      expect.stringMatching(/^Store does not keep pace/),
      expect.stringMatching(/^Store was slow/),
      expect.stringMatching(/^Store cannot write/),
      expect.stringMatching(/^Store could not write/),
    ])
  })
})
