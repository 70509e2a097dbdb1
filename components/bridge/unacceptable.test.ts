/** A message that this broker cannot take must not end each connection for ever: the remote broker sends it again over the next one. */

import { generate, type IPublishPacket, type Packet } from 'mqtt-packet'
import { afterEach, describe, expect, it } from 'vitest'
import { carried } from '../../test/helpers/bridged-broker.ts'
import { RelayHarness } from '../../test/helpers/relay-harness.ts'
import { RemoteSession } from './remote-session.ts'

/** As in the harness. */
const ATTEMPTS = 3

let bridge: RelayHarness
afterEach(() => bridge?.stop())

const message = (qos: 0 | 1 | 2, topic = 'a#b', messageId = 7): IPublishPacket => {
  const identifier = qos > 0 ? { messageId } : {}
  return { cmd: 'publish', topic, payload: 'x', qos, dup: true, retain: false, ...identifier }
}
const start = (version: 4 | 5): void => {
  bridge = new RelayHarness({ version, topics: [carried('#', 'in')] })
  grant()
}
const grant = (): void => {
  const subscribe = bridge.sent().find(({ cmd }) => cmd === 'subscribe')!
  bridge.receive({ cmd: 'suback', messageId: subscribe.messageId!, granted: [2] })
}
const again = (): void => {
  bridge.lose(false)
  bridge.connect({ sessionPresent: true })
  grant()
}
const bytes = (packet: Packet) => generate(packet, { protocolVersion: bridge.link.version })
/** A packet larger than the harness takes. */
const large = (qos: 1 | 2) => bytes({ ...message(qos, 'large'), payload: Buffer.alloc(1_000_000) })

describe.each([4, 5] as const)('over MQTT %i', (version) => {
  it.each([
    ['not legal', 1, () => bytes(message(1)), 'not legal'],
    ['not legal', 2, () => bytes(message(2)), 'not legal'],
    ['too large', 1, () => large(1), 'more than maximumPacketSize'],
    ['too large', 2, () => large(2), 'more than maximumPacketSize'],
  ] as const)('a message that is %s at QoS %i is acknowledged after three connections', (_, qos, packet, why) => {
    start(version)
    for (let attempts = 0; attempts < ATTEMPTS; attempts += 1) {
      expect(bridge.receive(packet())).toEqual([])
      expect(bridge.link.why).toContain(why)
      again()
    }
    const answers = bridge.receive(packet(), bytes(message(1, 'next', 8)))
    expect(answers).toMatchObject([
      { cmd: qos === 1 ? 'puback' : 'pubrec', messageId: 7, ...(version === 5 && { reasonCode: 0x83 }) },
      { cmd: 'puback', messageId: 8 },
    ])
    expect(bridge.link.why).toBeUndefined()
    expect(bridge.unacceptable).toHaveLength(1)
    const { unacceptable, received } = bridge.counters
    expect([unacceptable, received]).toEqual([1, [0, 1, 0]])
    if (qos === 1) return
    const { reasonCode = 0 } = bridge.receive({ cmd: 'pubrel', messageId: 7 })[0] as { reasonCode?: number }
    // After a refusal MQTT 5 has no PUBREL.
    expect(reasonCode).toBe(version === 5 ? 0x92 : 0)
  })

  it('one that has no Packet Identifier ends each connection, since it does not come again', () => {
    start(version)
    for (let attempts = 0; attempts <= ATTEMPTS + 1; attempts += 1) {
      bridge.receive(bytes(message(0)))
      expect(bridge.link.why).toContain('not legal')
      again()
    }
    expect(bridge.unacceptable).toEqual([])
  })
})

it('names the topic, the size and the reason for the log', () => {
  start(4)
  for (let attempts = 0; attempts < ATTEMPTS; attempts += 1) {
    bridge.receive(large(2))
    again()
  }
  const packet = large(2)
  bridge.receive(packet)
  const why = `it sent a packet of ${packet.length} bytes, more than maximumPacketSize`
  expect(bridge.unacceptable).toEqual([['large', packet.length, why]])
})

it('the connections must be in a row: each other message begins anew', () => {
  const session = new RemoteSession(2)
  const dropped = ['a', 'a', 'b', 'a', 'a', 'a', 'a'].map((message) => session.mustDrop(message))
  expect(dropped).toEqual([false, false, false, false, false, true, true])
})

it('with 0 attempts nothing is dropped', () => {
  const session = new RemoteSession(0)
  expect(Array.from({ length: 20 }, () => session.mustDrop('a'))).not.toContain(true)
})
