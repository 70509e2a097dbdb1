import type { IPublishPacket } from 'mqtt-packet'
import { afterEach, describe, expect, it } from 'vitest'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { isFullRun } from '../../test/helpers/full-run.ts'
import {
  HandlerHarness,
  type HarnessClient,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'

let broker: HandlerHarness
let subscriber: HarnessClient
const begin = (config: object = {}) => {
  broker = new HandlerHarness(config)
  subscriber = subscribed()
}
const subscribed = () => {
  const client = broker.connect({ clientId: 'subscriber' })
  client.take(subscribePacket({ '#': { qos: 0 } }))
  return client
}
afterEach(() => broker.stop())

const qos2 = (messageId: number, payload: string, fields: Partial<IPublishPacket> = {}) =>
  publishPacket({ qos: 2, messageId, payload: Buffer.from(payload), ...fields })
const release = (messageId: number) => ({ cmd: 'pubrel', messageId }) as const
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
const delivered = () => payloads(subscriber.take())
const unreleasedBytes = () => broker.core.gauges.unreleasedBytes

/** One page of identifiers, here and in the store. */
const PAGE = 400

describe('a message at QoS 2 under an identifier that is not released', () => {
  it('is answered and not delivered, and the log says so once for each session', () => {
    begin()
    const publisher = broker.connect(persistent('publisher'), 4)
    publisher.take(qos2(1, 'first'), qos2(2, 'second'))
    expect(publisher.take(qos2(1, 'other'))).toEqual([{ cmd: 'pubrec', messageId: 1 }])
    expect(delivered()).toEqual(['first', 'second'])
    publisher.lose()
    const again = broker.connect(persistent('publisher'), 4)
    again.take(qos2(2, 'another'))
    expect(delivered()).toEqual([])
    expect(broker.core.counters.reusedIdentifiers).toBe(2)
    const warnings = broker.log.at('warn')
    expect(warnings).toHaveLength(1)
    const details = { client: 'publisher', topic: 'a', packetIdentifier: 1, duplicateQoS2: 'by-identifier' }
    expect(warnings[0]).toMatchObject({ ...details, remote: '127.0.0.1:50002', version: 'MQTT 3.1.1' })
    expect(warnings[0]!.message).toContain('not delivered: publisher from 127.0.0.1:50002 (MQTT 3.1.1): its Packet Id')
    again.take(release(1), qos2(1, 'new'))
    expect(delivered()).toEqual(['new'])
  })

  it('is the same message with DUP, and is not logged', () => {
    begin()
    const publisher = broker.connect(persistent('publisher'), 4)
    publisher.take(qos2(1, 'first'), qos2(1, 'first', { dup: true }))
    expect(delivered()).toEqual(['first'])
    expect([broker.core.counters.reusedIdentifiers, broker.log.at('warn')]).toEqual([0, []])
  })
})

describe("with duplicateQoS2: 'by-content' a message under an identifier that is not released", () => {
  const byContent = { duplicateQoS2: 'by-content' }

  it.each([
    ['another payload', { payload: Buffer.from('other') }, ['first', 'other']],
    ['another topic', { topic: 'b' }, ['first', 'first']],
    ['its end in the topic instead', { topic: 'af', payload: Buffer.from('irst') }, ['first', 'irst']],
    ['the same content', {}, ['first']],
    ['another payload and DUP', { payload: Buffer.from('other'), dup: true }, ['first']],
  ] as const)('with %s', (_, fields, expected) => {
    begin(byContent)
    const publisher = broker.connect(persistent('publisher'), 4)
    publisher.take(qos2(1, 'first'))
    publisher.lose()
    const again = broker.connect(persistent('publisher'), 4)
    expect(again.take(qos2(1, 'first', fields))).toEqual([{ cmd: 'pubrec', messageId: 1 }])
    expect(delivered()).toEqual(expected)
    // It is what the identifier stands for from now on.
    again.take(qos2(1, 'first', { ...fields, dup: true }), qos2(1, 'first', { ...fields, dup: false }))
    expect(again.take(release(1))).toEqual([{ cmd: 'pubcomp', messageId: 1 }])
    expect(unreleasedBytes()).toBe(0)
  })

  it('is delivered, which the log says once for each session', () => {
    begin(byContent)
    const publisher = broker.connect({ clientId: 'publisher' }, 4)
    publisher.take(...upTo(3).map((n) => qos2(1, `${n}`)))
    expect(delivered()).toEqual(['1', '2', '3'])
    expect(broker.log.at('warn')).toHaveLength(1)
    expect(broker.core.counters.reusedIdentifiers).toBe(2)
  })

  it('is known by its topic where it comes with a Topic Alias', () => {
    begin(byContent)
    const publisher = broker.connect({ clientId: 'publisher' })
    const aliased = (topic: string) => qos2(1, 'x', { topic, properties: { topicAlias: 1 } })
    publisher.take(aliased('a'), aliased(''))
    expect(delivered()).toEqual(['x'])
    publisher.take(aliased('b'), aliased(''))
    expect(delivered()).toEqual(['x'])
  })

  it('leaves its identifier free when it is refused', () => {
    begin({ ...byContent, maximumRetainedMessages: 0 })
    const publisher = broker.connect({ clientId: 'publisher' })
    publisher.take(qos2(1, 'first'))
    expect(publisher.take(qos2(1, 'kept', { retain: true }))).toMatchObject([{ cmd: 'pubrec', reasonCode: 0x97 }])
    expect(publisher.take(release(1))).toMatchObject([{ cmd: 'pubcomp', reasonCode: 0x92 }])
    expect([delivered(), unreleasedBytes()]).toEqual([['first'], 0])
  })

  it('is known by its identifier after a restart, until that is released', async () => {
    const store = new SlowStore({ automatic: true })
    broker = new HandlerHarness(byContent, { store }, () => store.settleAll())
    broker.connect(persistent('publisher'), 4).take(qos2(1, 'first'))
    store.settleAll()
    broker.stop()
    const after = store.crash()
    broker = new HandlerHarness(byContent, { store: after }, () => after.settleAll())
    await broker.core.restore()
    subscriber = subscribed()
    const publisher = broker.connect(persistent('publisher'), 4)
    expect(publisher.take(qos2(1, 'other'))).toEqual([{ cmd: 'pubrec', messageId: 1 }])
    expect(delivered()).toEqual([])
    publisher.take(release(1), qos2(1, 'new'))
    expect(delivered()).toEqual(['new'])
    after.settleAll()
  })

  it('is work of its size', () => {
    begin(byContent)
    const publisher = broker.connect({ clientId: 'publisher' }, 4)
    let charged = 0
    publisher.connection.chargeWork = (units) => {
      charged += units
    }
    publisher.take(qos2(1, 'x'.repeat(100 * 1024)))
    expect(charged).toBeGreaterThan(800)
  })
})

describe('identifiers that are not released', () => {
  it('end at maximumUnreleased, over all connections: MQTT 5 gets the reason, and the message is not delivered', () => {
    begin({ maximumUnreleased: 3 })
    let publisher = broker.connect(persistent('publisher'))
    publisher.take(qos2(1, '1'), qos2(2, '2'))
    publisher.lose()
    publisher = broker.connect(persistent('publisher'))
    publisher.take(qos2(3, '3'))
    expect(publisher.take(qos2(4, '4'), qos2(5, '5'))).toMatchObject([
      { cmd: 'pubrec', messageId: 4, reasonCode: 0x97 },
      { cmd: 'pubrec', messageId: 5, reasonCode: 0x97 },
    ])
    // Those that are known are answered as ever.
    expect(publisher.take(qos2(3, '3', { dup: true }))).toEqual([{ cmd: 'pubrec', messageId: 3 }])
    expect(delivered()).toEqual(['1', '2', '3'])
    expect(broker.handler.counters.refusedPublishes).toBe(2)
    expect(broker.log.at('warn')).toMatchObject([{ client: 'publisher', unreleased: 3 }])
    publisher.take(release(2), qos2(4, '4', { dup: true }))
    expect(delivered()).toEqual(['4'])
  })

  it('end the connection of an MQTT 3 client at maximumUnreleased', () => {
    begin({ maximumUnreleased: 3 })
    const publisher = broker.connect(persistent('publisher'), 4)
    expect(publisher.take(...upTo(4).map((n) => qos2(n, `${n}`)))).toHaveLength(3)
    expect(publisher.connection.closeReason).toMatch('did not release')
    expect(delivered()).toEqual(['1', '2', '3'])
    const again = broker.connect(persistent('publisher'), 4)
    again.take(...upTo(3).map(release), qos2(4, '4'))
    expect(delivered()).toEqual(['4'])
  })

  it('may be all there are of an MQTT 3 client, which cannot be told a limit', () => {
    begin()
    const publisher = broker.connect(persistent('publisher'), 4)
    // Spread over all 128 pages in both runs.
    const identifiers = upTo(65_535).filter((n) => isFullRun || n % 8 === 7)
    for (const n of identifiers) publisher.take(qos2(n, '', { topic: 'n' }))
    expect(publisher.connection.open).toBe(true)
    expect(unreleasedBytes()).toBe(128 * PAGE)
    expect(broker.core.sessions.get('publisher')?.unreleased.size).toBe(identifiers.length)
    for (const n of identifiers) publisher.take(release(n))
    expect(unreleasedBytes()).toBe(0)
  })

  it('count while the client is away, and no more when its session ends', () => {
    begin({ duplicateQoS2: 'by-content' })
    const publisher = broker.connect(persistent('publisher'))
    publisher.take(qos2(1, '1'), qos2(512, '2'))
    expect(unreleasedBytes()).toBe(2 * PAGE + 2 * 50)
    publisher.lose()
    expect(unreleasedBytes()).toBe(2 * PAGE + 2 * 50)
    // An MQTT 5 client may send as many again: those of the connection before are known apart.
    broker.connect(persistent('publisher'))
    expect(unreleasedBytes()).toBe(3 * PAGE + 2 * 50)
    broker.connect({ clientId: 'publisher', clean: true })
    expect(unreleasedBytes()).toBe(0)
  })

  it('count towards Receive Maximum if the present connection has sent them', () => {
    begin({ receiveMaximum: 2 })
    let publisher = broker.connect(persistent('publisher'))
    publisher.take(qos2(1, '1'), qos2(2, '2'))
    publisher.lose()
    publisher = broker.connect(persistent('publisher'))
    publisher.take(qos2(2, '2', { dup: true }), qos2(3, '3'))
    expect(publisher.take(release(3), release(1), qos2(4, '4'))).toMatchObject([
      { cmd: 'pubcomp', messageId: 3 },
      { cmd: 'pubcomp', messageId: 1 },
      { cmd: 'pubrec', messageId: 4 },
    ])
    expect(publisher.take(qos2(5, '5'))).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x93 }])
  })

  it('of all sessions end at maximumTotalUnreleasedBytes, and those of a session with few never do', () => {
    const maximum = 20 * PAGE
    begin({ maximumTotalUnreleasedBytes: maximum })
    // One in each page is the worst for what it brings.
    const greedy = upTo(4).map((n) => broker.connect(persistent(`greedy ${n}`)))
    for (const client of greedy) {
      for (const page of upTo(20)) client.take(qos2(page * 512, 'x'))
    }
    // All but the first have what every session may have.
    expect(unreleasedBytes()).toBe(maximum + 3 * 5 * PAGE)
    expect(broker.handler.counters.refusedPublishes).toBe(3 * 15)
    expect(broker.log.at('warn').map(({ client }) => client)).toEqual(['greedy 2', 'greedy 3', 'greedy 4'])
    const modest = broker.connect(persistent('modest'), 4)
    for (const n of upTo(600)) modest.take(qos2(n, 'x'), release(n))
    expect(modest.connection.open).toBe(true)
  })

  it('of refused messages count, and are forgotten where there is no room', () => {
    begin({ maximumQueuedMessages: 0, queueFullPolicy: 'refuse', maximumTotalUnreleasedBytes: 0 })
    const away = broker.connect(persistent('away'))
    away.take(subscribePacket({ a: {} }))
    away.lose()
    const publisher = broker.connect(persistent('publisher'))
    for (const page of upTo(30)) publisher.take(qos2(page * 512, 'x'))
    // The next identifier might be one that is taken, and costs twice as much.
    expect(unreleasedBytes()).toBe(1_800)
    broker.connect(connectPacket({ clientId: 'publisher' }))
    expect(unreleasedBytes()).toBe(0)
  })
})
