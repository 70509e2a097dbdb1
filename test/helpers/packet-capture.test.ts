import { generate, type Packet } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { PacketCapture, type Sender } from './packet-capture.ts'

type Sent = readonly [connection: number, sender: Sender, packet: Packet]

const publish = (messageId: number, dup = false, payload = 'once'): Packet => {
  return { cmd: 'publish', topic: 'a', payload, qos: 2, messageId, dup, retain: false }
}
const captured = (...sent: readonly Sent[]): PacketCapture => {
  const capture = new PacketCapture(4)
  for (const [connection, sender, packet] of sent) capture.take(connection, sender, generate(packet))
  return capture
}

describe('a sender', () => {
  it.each<[does: string, isAfterPubrel: boolean, sent: Sent[]]>([
    ['publishes once', false, [[1, 'remote', publish(1)]]],
    [
      'publishes again before PUBREC',
      false,
      [
        [1, 'remote', publish(1)],
        [2, 'remote', publish(1, true)],
      ],
    ],
    [
      'sends PUBREL again',
      false,
      [
        [1, 'remote', publish(1)],
        [1, 'bridge', { cmd: 'pubrec', messageId: 1 }],
        [1, 'remote', { cmd: 'pubrel', messageId: 1 }],
        [2, 'remote', { cmd: 'pubrel', messageId: 1 }],
      ],
    ],
    [
      'publishes again after PUBREL',
      true,
      [
        [1, 'remote', publish(1)],
        [1, 'bridge', { cmd: 'pubrec', messageId: 1 }],
        [1, 'remote', { cmd: 'pubrel', messageId: 1 }],
        [3, 'remote', publish(1, true)],
      ],
    ],
    [
      'publishes another message under a Packet Identifier that is free again',
      false,
      [
        [1, 'remote', publish(1)],
        [1, 'remote', { cmd: 'pubrel', messageId: 1 }],
        [1, 'remote', publish(1, false, 'another')],
      ],
    ],
    [
      'is not the other side, whose Packet Identifiers are its own',
      false,
      [
        [1, 'remote', publish(1)],
        [1, 'bridge', { cmd: 'pubrel', messageId: 1 }],
        [2, 'remote', publish(1, true)],
      ],
    ],
  ])('that %s: after PUBREL: %s', (_, isAfterPubrel, sent) => {
    expect(captured(...sent).publishedAfterPubrel('remote', 'once')).toBe(isAfterPubrel)
  })
})

it('tells the history of a message, and nothing of others', () => {
  const capture = captured(
    [1, 'bridge', { cmd: 'connect', clientId: 'b', protocolId: 'MQTT', protocolVersion: 4, clean: false }],
    [1, 'bridge', publish(1, false, 'another')],
    [1, 'remote', publish(1)],
    [1, 'bridge', { cmd: 'pubrec', messageId: 1 }],
    [1, 'bridge', { cmd: 'pubrel', messageId: 1 }],
    [2, 'remote', { cmd: 'connack', returnCode: 0, sessionPresent: true }],
    [2, 'remote', publish(1, true)],
  )
  expect(capture.history('remote', 'once').split('\n')).toEqual([
    'connection 1, remote: PUBLISH 1 dup=false once',
    'connection 1, bridge: PUBREC 1',
    'connection 2, remote: CONNACK session present=true',
    'connection 2, remote: PUBLISH 1 dup=true once',
  ])
})
