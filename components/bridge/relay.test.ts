import type { IPublishPacket, Packet } from 'mqtt-packet'
import { afterEach, describe, expect, it } from 'vitest'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { carried } from '../../test/helpers/bridged-broker.ts'
import { persistent, publishPacket, subscribePacket } from '../../test/helpers/handler-harness.ts'
import { RelayHarness, type RelayHarnessOptions } from '../../test/helpers/relay-harness.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'
import { encodeHop } from './hops.ts'

let harness: RelayHarness | undefined
afterEach(() => {
  harness?.stop()
  harness = undefined
})
const start = (options: RelayHarnessOptions = {}): RelayHarness => {
  harness = new RelayHarness(options)
  return harness
}
const said = (packets: readonly Packet[]) => packets.map(({ cmd, messageId }) => `${cmd} ${messageId ?? ''}`.trim())
const messages = (packets: readonly Packet[]) => packets.filter(({ cmd }) => cmd === 'publish') as IPublishPacket[]
/** Subscribes at the remote broker, which grants it. */
const startInward = (options: RelayHarnessOptions = {}): RelayHarness => {
  const bridge = start({ topics: [carried('#', 'in')], ...options })
  const [subscribe] = bridge.sent()
  bridge.receive({ cmd: 'suback', messageId: subscribe!.messageId!, granted: [2] })
  return bridge
}

it('takes nothing that needs an answer while the remote broker does not read the answers', () => {
  const { link, relay } = start()
  link.blocked = true
  link.push(Buffer.concat(Array.from({ length: 100 }, (_, at) => Buffer.from([0x62, 2, 0, at + 1]))))
  relay.process()
  expect([link.pending, link.written.length]).toEqual([400, 0])
  link.blocked = false
  relay.drained()
  // Pubcomp with Packet Identifier not found.
  expect(Buffer.concat(link.written).length).toBe(100 * 5)
})

describe('to the remote broker', () => {
  it('carries QoS 2 through all four packets under one Packet Identifier', () => {
    const bridge = start()
    bridge.publish('a', 2)
    const [{ messageId, qos }] = messages(bridge.sent()) as [IPublishPacket]
    expect(qos).toBe(2)
    expect(said(bridge.receive({ cmd: 'pubrec', messageId: messageId! }))).toEqual([`pubrel ${messageId}`])
    bridge.receive({ cmd: 'pubcomp', messageId: messageId! })
    expect(bridge.inflight).toBe(0)
  })

  it('answers PUBREC for a message that it does not know with Packet Identifier not found', () => {
    expect(start().receive({ cmd: 'pubrec', messageId: 9 })).toMatchObject([
      { cmd: 'pubrel', messageId: 9, reasonCode: ReasonCode.PacketIdentifierNotFound },
    ])
  })

  it('continues with PUBREL when it connects again after PUBREC', () => {
    const bridge = start()
    bridge.publish('a', 2)
    const [{ messageId }] = bridge.sent() as [Packet]
    bridge.receive({ cmd: 'pubrec', messageId: messageId! })
    bridge.lose()
    bridge.connect({ sessionPresent: true })
    expect(said(bridge.sent())).toEqual([`pubrel ${messageId}`])
  })

  it.each([
    ['puback', 2],
    ['pubrec', 1],
    ['pubcomp', 1],
  ] as const)('ends the connection when %s comes for a message at QoS %i', (cmd, qos) => {
    const bridge = start()
    bridge.publish('a', qos)
    const [{ messageId }] = bridge.sent() as [Packet]
    bridge.receive({ cmd, messageId: messageId! })
    expect(bridge.link.why).toBe(`it sent ${cmd.toUpperCase()} for a message that waits for another acknowledgement`)
  })

  it('completes messages at QoS 1 and 2 that were sent at QoS 1, the highest that the remote broker takes', () => {
    const bridge = start()
    bridge.publish('a', 1)
    bridge.publish('b', 2)
    bridge.lose(false)
    bridge.connect({ maximumQoS: 1 })
    const sent = messages(bridge.sent())
    expect(sent.map(({ topic, qos }) => `${topic} ${qos}`)).toEqual(['a 1', 'b 1'])
    for (const { messageId } of sent) bridge.receive({ cmd: 'puback', messageId: messageId! })
    expect(bridge.inflight).toBe(0)
  })

  it('completes messages at QoS 1 and 2 as soon as they are sent at QoS 0, the highest that the remote broker takes', async () => {
    const bridge = start()
    bridge.publish('a', 1)
    bridge.publish('b', 2)
    bridge.lose()
    bridge.connect({ maximumQoS: 0 })
    expect(messages(bridge.sent()).map(({ topic, qos }) => `${topic} ${qos}`)).toEqual(['a 0', 'b 0'])
    await new Promise(process.nextTick)
    expect(bridge.inflight).toBe(0)
  })

  it('sends a message at QoS 0 again if the connection ended before it could be completed', async () => {
    const bridge = start()
    bridge.publish('a', 1)
    bridge.lose()
    bridge.connect({ maximumQoS: 0 })
    const earlier = bridge.relay
    bridge.lose()
    bridge.connect()
    await new Promise(process.nextTick)
    expect(earlier).not.toBe(bridge.relay)
    expect(messages(bridge.sent())).toMatchObject([{ topic: 'a', qos: 1, dup: true }])
  })

  it('goes on with what waits as soon as the remote broker acknowledges or reads again', () => {
    const bridge = start({ terms: { receiveMaximum: 1 } })
    for (const topic of ['a', 'b', 'c']) bridge.publish(topic, 1)
    const [first] = messages(bridge.sent())
    bridge.link.congested = true
    expect(bridge.receive({ cmd: 'puback', messageId: first!.messageId! })).toEqual([])
    bridge.link.congested = false
    bridge.relay.drained()
    const [second] = messages(bridge.sent())
    expect(second!.topic).toBe('b')
    expect(messages(bridge.receive({ cmd: 'puback', messageId: second!.messageId! }))).toMatchObject([{ topic: 'c' }])
  })

  it('drops and counts messages at QoS 0 while the remote broker reads too slowly', () => {
    const bridge = start()
    bridge.link.congested = true
    bridge.publish('a')
    expect([bridge.sent(), bridge.counters.droppedQoS0]).toEqual([[], 1])
  })

  it('does not carry what its topics do not name, what is too large, and what is from too far away', () => {
    const hop = encodeHop('here')
    const bridge = start({ hop, topics: [carried('#', 'out', 2, ['plant/', ''])], terms: { maximumPacketSize: 100 } })
    const publisher = bridge.broker.connect({ clientId: 'publisher' })
    const publish = (topic: string, brokers: string[] = [], payload = '') =>
      publisher.take(
        publishPacket({
          ...{ topic, payload: Buffer.from(payload) },
          ...(brokers.length > 0 && { properties: { userProperties: { 'mqtt-jig-hop': brokers } } }),
        }),
      )
    publish('plant')
    publish('plant/large', [], 'x'.repeat(100))
    publish('plant/back', ['here'])
    publish('plant/far', ['x', 'y'])
    expect(messages(bridge.sent())).toEqual([])
    expect(bridge.counters).toMatchObject({ unmapped: 1, tooLarge: 1, loops: 2, sent: [0, 0, 0] })
    publish('plant/near', ['x'])
    expect(messages(bridge.sent())).toMatchObject([{ topic: 'near' }])
  })

  it('does not carry what its local user may not receive', () => {
    const authorizer = {
      mayPublish: () => 'allow' as const,
      maySubscribe: () => 'allow' as const,
      mayReceive: (_: unknown, topic: string) => (topic === 'secret' ? ('deny' as const) : ('allow' as const)),
    }
    const bridge = start({ userName: 'site', parts: { authorizers: [authorizer] } })
    for (const topic of ['secret', 'open']) bridge.publish(topic, 1)
    expect(messages(bridge.sent())).toMatchObject([{ topic: 'open' }])
    expect(bridge.counters.refusedHere).toBe(1)
    expect(bridge.refusedMessages).toEqual([['here', ReasonCode.NotAuthorized, 'secret']])
  })

  it('does not set RETAIN where the remote broker does not retain', () => {
    const bridge = start({ terms: { retainAvailable: false } })
    bridge.broker.broker.publish({ topic: 'a', payload: 'x', retain: true })
    expect(messages(bridge.sent())).toMatchObject([{ topic: 'a', retain: false }])
  })

  it('tells the remaining time of a message', () => {
    const bridge = start()
    bridge.broker.broker.publish({ topic: 'a', payload: 'x', expirySeconds: 100 })
    expect(messages(bridge.sent())).toMatchObject([{ properties: { messageExpiryInterval: 100 } }])
  })
})

describe('from the remote broker', () => {
  const publish = (qos: 0 | 1 | 2, more: Partial<IPublishPacket> = {}): IPublishPacket => ({
    ...{ cmd: 'publish', topic: 'a', payload: 'x', qos, retain: false, dup: false },
    ...(qos > 0 && { messageId: 1 }),
    ...more,
  })

  it('publishes a message at QoS 2 once, however often it is sent', () => {
    const bridge = startInward()
    const near = bridge.broker.connect({ clientId: 'near' })
    near.take(subscribePacket({ a: {} }))
    expect(said(bridge.receive(publish(2)))).toEqual(['pubrec 1'])
    expect(said(bridge.receive(publish(2, { dup: true })))).toEqual(['pubrec 1'])
    expect(messages(near.take())).toHaveLength(1)
    expect(bridge.receive({ cmd: 'pubrel', messageId: 1 })).toMatchObject([{ cmd: 'pubcomp', reasonCode: 0 }])
    expect(bridge.receive({ cmd: 'pubrel', messageId: 1 })).toMatchObject([
      { cmd: 'pubcomp', reasonCode: ReasonCode.PacketIdentifierNotFound },
    ])
  })

  it('takes the Packet Identifiers for new messages when the remote broker has lost its session', () => {
    const bridge = startInward()
    bridge.receive(publish(2))
    bridge.lose()
    bridge.connect({ sessionPresent: false })
    const near = bridge.broker.connect({ clientId: 'near' })
    near.take(subscribePacket({ a: {} }))
    expect(said(bridge.receive(publish(2, { dup: true })))).toContain('pubrec 1')
    expect(messages(near.take())).toHaveLength(1)
  })

  it('acknowledges and counts messages that it does not publish: other topics, and those that were here before', () => {
    const bridge = startInward({ hop: encodeHop('here'), topics: [carried('a/#', 'in')] })
    expect(said(bridge.receive(publish(1, { topic: 'other' })))).toEqual(['puback 1'])
    expect(bridge.counters.unmapped).toBe(1)
    const back = publish(2, { topic: 'a/b', properties: { userProperties: { 'mqtt-jig-hop': 'here' } } })
    expect(said(bridge.receive(back))).toEqual(['pubrec 1'])
    expect(bridge.counters.loops).toBe(1)
  })

  it('acknowledges when the store has the message, and reads no more while the store does not keep pace', () => {
    const store = new SlowStore()
    const bridge = startInward({ parts: { store } })
    const near = bridge.broker.connect(persistent('near'))
    store.settleAll()
    near.take(subscribePacket({ a: {} }))
    store.settleAll()
    expect(bridge.receive(publish(1))).toEqual([])
    store.pressure = 'slow'
    bridge.receive(publish(1, { messageId: 2 }))
    expect(bridge.link.pending).toBeGreaterThan(0)
    store.settle()
    store.pressure = 'none'
    expect(said(bridge.sent())).toEqual(['puback 1'])
    store.settleAll()
    expect(said(bridge.sent())).toEqual(['puback 2'])
    expect(bridge.link.pending).toBe(0)
  })

  it('takes no more while a message of it is delivered over several turns', () => {
    const bridge = startInward()
    bridge.relay.pauseForPublication()
    expect(bridge.receive(publish(1))).toEqual([])
    bridge.relay.resumeAfterPublication()
    expect(said(bridge.sent())).toEqual(['puback 1'])
  })

  it('answers nothing any more once the connection has ended', () => {
    const bridge = startInward()
    bridge.receive(publish(1), Buffer.from([0xe0, 0]), publish(1, { messageId: 2 }))
    expect(bridge.link.why).toBe('it sent DISCONNECT: no reason given')
    expect(bridge.counters.received).toEqual([0, 1, 0])
  })

  it('PINGRESP is taken, and needs no answer', () => {
    const bridge = start()
    expect(bridge.receive({ cmd: 'pingresp' })).toEqual([])
    expect([bridge.link.isClosed, bridge.link.pending]).toEqual([false, 0])
  })
})

describe('its subscriptions at the remote broker', () => {
  it('messages flow when they are granted, and those that are refused are reported', () => {
    const bridge = start({ topics: [carried('a', 'in'), carried('b', 'in')] })
    const [subscribe] = bridge.sent()
    expect([bridge.link.awaited, bridge.ready]).toEqual(['SUBSCRIBE', 0])
    bridge.receive({ cmd: 'suback', messageId: subscribe!.messageId! - 1, granted: [1] })
    expect(bridge.ready).toBe(0)
    const suback: Packet = { cmd: 'suback', messageId: subscribe!.messageId!, granted: [2, 0x87] }
    bridge.receive(suback)
    expect([bridge.link.awaited, bridge.ready]).toEqual([undefined, 1])
    expect(bridge.refusedFilters).toEqual([['b', 0x87]])
    bridge.receive(suback)
    expect(bridge.ready).toBe(1)
  })

  it('connects again, with another Packet Identifier, if this one is in use there', () => {
    const bridge = start({ topics: [carried('a', 'in')] })
    const [subscribe] = bridge.sent()
    bridge.receive({ cmd: 'suback', messageId: subscribe!.messageId!, granted: [0x91] })
    expect(bridge.link.why).toContain('Packet Identifier in use (0x91)')
    bridge.counters.connections = 1
    bridge.lose()
    bridge.connect({ sessionPresent: true })
    expect(bridge.sent()[0]!.messageId).not.toBe(subscribe!.messageId)
  })

  it('a SUBACK with more Reason Codes than filters does not confuse it', () => {
    const bridge = start({ topics: [carried('a', 'in')] })
    const [subscribe] = bridge.sent()
    bridge.receive({ cmd: 'suback', messageId: subscribe!.messageId!, granted: [1, 0x87] })
    expect([bridge.ready, bridge.refusedFilters]).toEqual([1, [['', 0x87]]])
  })

  it('retained messages are asked for again only at QoS 0, where one may have been missed', () => {
    const bridge = start({ topics: [carried('a', 'in', 0), carried('b', 'in', 1)], terms: { sessionPresent: true } })
    expect(bridge.sent()).toMatchObject([
      {
        cmd: 'subscribe',
        subscriptions: [
          { topic: 'a', rh: 0 },
          { topic: 'b', rh: 1 },
        ],
      },
    ])
  })
})

it('releases all Packet Identifiers at a remote broker that knows more than this one, before it subscribes', async () => {
  const bridge = start({ topics: [carried('a', 'out', 2), carried('b', 'in')], terms: { sessionPresent: true } })
  expect(bridge.link.awaited).toBe('PUBREL')
  const released = new Set<number>()
  while (bridge.link.written[0]?.[0] === 0x62) {
    const bytes = Buffer.concat(bridge.link.written.splice(0))
    for (let at = 0; at < bytes.length; at += 4) {
      released.add(bytes.readUInt16BE(at + 2))
      bytes[at] = 0x70 // PUBCOMP
    }
    bridge.link.push(bytes)
    bridge.relay.process()
    // The work of a turn is bounded: the scheduler continues in the next one.
    while (bridge.link.pending > 0) await new Promise((resolve) => setImmediate(resolve))
  }
  expect(bridge.sent()).toMatchObject([{ cmd: 'subscribe' }])
  expect(released.size).toBe(65_535)
})

it('releases none if it sends nothing at QoS 2', () => {
  const bridge = start({ topics: [carried('a', 'out', 1)], terms: { sessionPresent: true } })
  expect([bridge.sent(), bridge.ready]).toEqual([[], 1])
})

it('removes the subscriptions here that its topics do not name any more', () => {
  const bridge = start({ topics: [carried('a', 'out'), carried('b', 'out')] })
  const filters = () => bridge.broker.broker.session('$bridge/up')?.subscriptions.map(({ filter }) => filter)
  expect(filters()).toEqual(['a', 'b'])
  bridge.lose()
  bridge.change([carried('b', 'out'), carried('c', 'out')])
  expect(filters()).toEqual(['b', 'c'])
})

it('is a client of this broker, for operators', () => {
  const bridge = start()
  expect(bridge.broker.broker.client('$bridge/up')).toMatchObject({ id: '$bridge/up' })
  expect(bridge.relay.describe()).toEqual({ text: 'bridge up', fields: { bridge: 'up' } })
  expect(bridge.relay.info()).toMatchObject({ protocolVersion: 5, connectedAtMs: 1_000, bytesReceived: 7 })
  bridge.broker.broker.disconnect('$bridge/up')
  expect(bridge.link.why).toContain('this broker ended it')
})
