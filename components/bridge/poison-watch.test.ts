/** A message for which the remote broker ends each connection must not hold up all others. */

import type { IPublishPacket, Packet } from 'mqtt-packet'
import { afterEach, describe, expect, it } from 'vitest'
import { carried } from '../../test/helpers/bridged-broker.ts'
import { RelayHarness, type RelayHarnessOptions } from '../../test/helpers/relay-harness.ts'
import { PoisonWatch } from './poison-watch.ts'

let harness: RelayHarness | undefined
afterEach(() => {
  harness?.stop()
  harness = undefined
})
const start = (options: RelayHarnessOptions = {}): RelayHarness => {
  harness = new RelayHarness(options)
  return harness
}
const published = (packets: readonly Packet[]) => packets.filter(({ cmd }) => cmd === 'publish') as IPublishPacket[]
const topics = (packets: readonly Packet[]) => published(packets).map(({ topic }) => topic)

/**
 * The remote broker acknowledges what it gets, and ends the connection when it gets a message on this topic.
 * @returns the topics that it got over this connection.
 */
const play = (bridge: RelayHarness, poison = 'poison', more = { sessionPresent: true }): string[] => {
  const got: string[] = []
  for (let sent = bridge.sent(); sent.length > 0; ) {
    const answers: Packet[] = []
    for (const packet of sent) {
      const { cmd, messageId = 0 } = packet
      if (cmd === 'publish') got.push(packet.topic)
      if (cmd === 'publish' && packet.topic === poison) {
        bridge.lose()
        bridge.connect(more)
        return got
      }
      if (cmd === 'publish' && packet.qos > 0) answers.push({ cmd: packet.qos === 1 ? 'puback' : 'pubrec', messageId })
      if (cmd === 'pubrel') answers.push({ cmd: 'pubcomp', messageId })
    }
    sent = bridge.receive(...answers)
  }
  return got
}

it.each([1, 2] as const)(
  'is dropped after three attempts in which it was alone, at QoS %i; the others go on',
  (qos) => {
    const bridge = start()
    const wanted = ['a', 'poison', 'b', 'c']
    for (const topic of wanted) bridge.publish(topic, qos, 'payload')
    // All of them at once: which of them was it?
    expect(play(bridge)).toEqual(['a', 'poison'])
    // Now one by one.
    expect(play(bridge)).toEqual(['a', 'poison'])
    expect(play(bridge)).toEqual(['poison'])
    expect(bridge.dropped).toEqual([])
    expect(play(bridge)).toEqual(['poison'])
    expect(bridge.dropped).toEqual([{ packetIdentifier: 2, topic: 'poison', size: 20 }])
    expect(play(bridge)).toEqual(['b', 'c'])
    expect(bridge.inflight).toBe(0)
  },
)

it('is dropped at QoS 2 with PUBREL, so that the remote broker does not take a later message for it', () => {
  const bridge = start()
  bridge.publish('poison', 2)
  for (let attempts = 0; attempts < 3; attempts += 1) play(bridge)
  expect(bridge.sent()).toMatchObject([{ cmd: 'pubrel', messageId: 1 }])
  bridge.receive({ cmd: 'pubcomp', messageId: 1 })
  expect(bridge.inflight).toBe(0)
})

it('is dropped without PUBREL if it was sent at QoS 1, the highest that the remote broker takes', () => {
  const bridge = start({ terms: { maximumQoS: 1 } })
  bridge.lose(false)
  bridge.publish('poison', 2)
  const more = { sessionPresent: true, maximumQoS: 1 as const }
  bridge.connect(more)
  for (let attempts = 0; attempts < 3; attempts += 1) play(bridge, 'poison', more)
  expect([bridge.dropped.length, bridge.sent(), bridge.inflight]).toEqual([1, [], 0])
})

it('of several messages each is found', () => {
  const bridge = start()
  for (const topic of ['poison', 'a', 'poison', 'b']) bridge.publish(topic, 1)
  for (let connections = 0; connections < 8; connections += 1) play(bridge)
  expect(bridge.dropped.map(({ packetIdentifier }) => packetIdentifier)).toEqual([1, 3])
  expect(bridge.inflight).toBe(0)
})

describe('is not a message', () => {
  it('whose connection this broker or the network ended', () => {
    const bridge = start()
    bridge.publish('a', 1)
    for (let connections = 0; connections < 10; connections += 1) {
      bridge.lose(false)
      bridge.connect({ sessionPresent: true })
    }
    expect([bridge.dropped, topics(bridge.sent())]).toEqual([[], ['a']])
  })

  it.each([
    ['Server shutting down', 0x8b, 0],
    ['Session taken over', 0x8e, 0],
    ['Packet too large', 0x95, 1],
    ['Topic Name invalid', 0x90, 1],
  ])('for DISCONNECT with %s, Reason Code %i: %i dropped', (_, reasonCode, dropped) => {
    const bridge = start()
    bridge.publish('a', 1)
    for (let connections = 0; connections < 3; connections += 1) {
      bridge.receive(Buffer.from([0xe0, 1, reasonCode]))
      bridge.relay.ended()
      bridge.connect({ sessionPresent: true })
    }
    expect(bridge.dropped).toHaveLength(dropped)
  })

  it('that is acknowledged at last: the attempts must be in a row', () => {
    const watch = new PoisonWatch(2)
    watch.sent(1, false, 'a', 10)
    expect(watch.ended(true)).toBeUndefined()
    watch.sent(1, true, 'a', 10)
    watch.answered(1)
    watch.sent(1, false, 'another one with its Packet Identifier', 10)
    expect(watch.ended(true)).toBeUndefined()
  })

  it('behind which a message at QoS 0 was sent, which may have been the cause', () => {
    const bridge = start()
    bridge.publish('a', 1)
    bridge.publish('poison', 0)
    expect(play(bridge)).toEqual(['a', 'poison'])
    // It is alone now: messages at QoS 0 are dropped until it is acknowledged.
    bridge.publish('poison', 0)
    expect([topics(bridge.sent()), bridge.counters.droppedQoS0]).toEqual([['a'], 1])
  })
})

it('more than one message is on the way again as soon as all that are suspected are acknowledged', () => {
  const bridge = start()
  for (const topic of ['a', 'b']) bridge.publish(topic, 1)
  bridge.lose()
  bridge.connect({ sessionPresent: true })
  bridge.publish('c', 1)
  bridge.publish('d', 1)
  const [first] = published(bridge.sent())
  const [second] = published(bridge.receive({ cmd: 'puback', messageId: first!.messageId! }))
  expect([first!.topic, second!.topic]).toEqual(['a', 'b'])
  expect(topics(bridge.receive({ cmd: 'puback', messageId: second!.messageId! }))).toEqual(['c', 'd'])
})

it('messages that are suspected and left the session meanwhile do not slow it down', () => {
  const bridge = start({ topics: [carried('#', 'out')] })
  for (const topic of ['a', 'large/with/a/long/topic']) bridge.publish(topic, 1)
  bridge.lose()
  // The second one is not sent again: it is too large now.
  bridge.connect({ sessionPresent: true, maximumPacketSize: 20 })
  for (const topic of ['b', 'c', 'd']) bridge.publish(topic, 1)
  const [first] = published(bridge.sent())
  expect(topics(bridge.receive({ cmd: 'puback', messageId: first!.messageId! }))).toEqual(['b', 'c', 'd'])
})

it('with 0 attempts nothing is suspected', () => {
  const watch = new PoisonWatch(0)
  for (let connections = 0; connections < 10; connections += 1) {
    watch.sent(1, true, 'a', 10)
    watch.sent(2, true, 'b', 10)
    expect([watch.mayPublish, watch.ended(true)]).toEqual([true, undefined])
  }
})
