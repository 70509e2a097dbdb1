/** Packets that a server sends, and their bytes. See `packet-bytes.ts` for the notation. */

import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'

export interface SentPacket {
  readonly says: string
  readonly versions: readonly ProtocolVersion[]
  readonly packet: Readonly<Record<string, unknown>>
  readonly bytes: string
}

const message = { cmd: 'publish', topic: 'a/b', payload: Buffer.from('hi'), qos: 0, dup: false, retain: false }

export const SENT_PACKETS: readonly SentPacket[] = [
  {
    says: 'CONNACK',
    versions: [3, 4],
    packet: { cmd: 'connack', sessionPresent: true, returnCode: 0 },
    bytes: '20 02 01 00',
  },
  {
    says: 'CONNACK with a return code',
    versions: [3, 4],
    packet: { cmd: 'connack', sessionPresent: false, returnCode: 5 },
    bytes: '20 02 00 05',
  },
  {
    says: 'CONNACK of MQTT 5.0',
    versions: [5],
    packet: {
      ...{ cmd: 'connack', sessionPresent: false, reasonCode: 0 },
      properties: { receiveMaximum: 10, assignedClientIdentifier: 'c', wildcardSubscriptionAvailable: false },
    },
    bytes: '20 @ 00 00 [21 000a 12 "c" 28 00]',
  },
  {
    says: 'CONNACK of MQTT 5.0 that refuses',
    versions: [5],
    packet: { cmd: 'connack', sessionPresent: false, reasonCode: 0x84 },
    bytes: '20 03 00 84 00',
  },
  { says: 'PUBLISH at QoS 0', versions: [3, 4], packet: message, bytes: "30 07 0003 'a/b' 'hi'" },
  { says: 'PUBLISH of MQTT 5.0 at QoS 0', versions: [5], packet: message, bytes: "30 08 0003 'a/b' 00 'hi'" },
  {
    says: 'PUBLISH at QoS 1, retained and repeated',
    versions: [3, 4],
    packet: { ...message, qos: 1, dup: true, retain: true, messageId: 0xfffe },
    bytes: '3b @ "a/b" fffe \'hi\'',
  },
  {
    says: 'PUBLISH of MQTT 5.0 at QoS 2',
    versions: [5],
    packet: { ...message, qos: 2, messageId: 1 },
    bytes: '34 @ "a/b" 0001 [] \'hi\'',
  },
  {
    says: 'PUBLISH with a payload of 128 bytes, whose Remaining Length takes two bytes',
    versions: [3, 4],
    packet: { ...message, payload: Buffer.alloc(128, 0x42) },
    bytes: `30 8501 "a/b" ${'42'.repeat(128)}`,
  },
  {
    says: 'PUBLISH with an empty payload to a topic of longer characters',
    versions: [3, 4],
    packet: { ...message, topic: 'é/語/🎈', payload: Buffer.alloc(0) },
    bytes: '30 @ "é/語/🎈"',
  },
  {
    says: 'PUBLISH with a payload given as text',
    versions: [3, 4],
    packet: { ...message, payload: 'é' },
    bytes: '30 @ "a/b" c3a9',
  },
  {
    says: 'PUBLISH without its properties to a client of MQTT 3',
    versions: [3, 4],
    packet: { ...message, properties: { contentType: 'x' } },
    bytes: '30 @ "a/b" \'hi\'',
  },
  {
    says: 'PUBLISH of MQTT 5.0 with properties',
    versions: [5],
    packet: {
      ...message,
      properties: { topicAlias: 1, subscriptionIdentifier: [1, 2], userProperties: { a: ['1', '2'] } },
    },
    bytes: '30 @ "a/b" [23 0001 0b 01 0b 02 26 "a" "1" 26 "a" "2"] \'hi\'',
  },
  ...(['puback', 'pubrec', 'pubrel', 'pubcomp'] as const).flatMap((cmd, index): SentPacket[] => {
    const first = ['40', '50', '62', '70'][index]!
    const name = cmd.toUpperCase()
    return [
      { says: name, versions: [3, 4], packet: { cmd, messageId: 0x0102 }, bytes: `${first} 02 0102` },
      {
        says: `${name} with a Reason Code to a client of MQTT 3, which has none`,
        versions: [3, 4],
        packet: { cmd, messageId: 1, reasonCode: 0x92 },
        bytes: `${first} 02 0001`,
      },
      {
        says: `${name} of MQTT 5.0`,
        versions: [5],
        packet: { cmd, messageId: 0xffff, reasonCode: 0 },
        bytes: `${first} 02 ffff`,
      },
      {
        says: `${name} of MQTT 5.0 with a Reason Code`,
        versions: [5],
        packet: { cmd, messageId: 1, reasonCode: 0x92 },
        bytes: `${first} 04 0001 92 00`,
      },
      {
        says: `${name} of MQTT 5.0 with a Reason String`,
        versions: [5],
        packet: { cmd, messageId: 1, reasonCode: 0x92, properties: { reasonString: 'why' } },
        bytes: `${first} @ 0001 92 [1f "why"]`,
      },
    ]
  }),
  {
    says: 'SUBACK',
    versions: [3, 4],
    packet: { cmd: 'suback', messageId: 1, granted: [0, 2, 0x80] },
    bytes: '90 05 0001 00 02 80',
  },
  {
    says: 'SUBACK of MQTT 5.0',
    versions: [5],
    packet: { cmd: 'suback', messageId: 1, granted: [0x8f] },
    bytes: '90 04 0001 00 8f',
  },
  { says: 'UNSUBACK', versions: [3, 4], packet: { cmd: 'unsuback', messageId: 1, granted: [] }, bytes: 'b0 02 0001' },
  {
    says: 'UNSUBACK of MQTT 5.0',
    versions: [5],
    packet: { cmd: 'unsuback', messageId: 1, granted: [0, 0x11] },
    bytes: 'b0 05 0001 00 00 11',
  },
  { says: 'PINGRESP', versions: [3, 4, 5], packet: { cmd: 'pingresp' }, bytes: 'd0 00' },
  {
    says: 'DISCONNECT of MQTT 5.0',
    versions: [5],
    packet: { cmd: 'disconnect', reasonCode: 0x8e, properties: { reasonString: 'x' } },
    bytes: 'e0 @ 8e [1f "x"]',
  },
  {
    says: 'AUTH',
    versions: [5],
    packet: { cmd: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'm' } },
    bytes: 'f0 @ 18 [15 "m"]',
  },
]
