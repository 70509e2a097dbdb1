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
  {
    says: 'CONNACK of MQTT 5.0 with every property',
    versions: [5],
    packet: {
      ...{ cmd: 'connack', sessionPresent: true, reasonCode: 0 },
      properties: {
        sessionExpiryInterval: 0xffff_ffff,
        receiveMaximum: 0xffff,
        maximumQoS: 1,
        retainAvailable: false,
        maximumPacketSize: 268_435_460,
        assignedClientIdentifier: 'id',
        topicAliasMaximum: 0,
        reasonString: 'why',
        userProperties: { b: '1', a: ['2', '3'], ['__proto__']: 'p', '': '' },
        wildcardSubscriptionAvailable: true,
        subscriptionIdentifiersAvailable: true,
        sharedSubscriptionAvailable: false,
        serverKeepAlive: 60,
        responseInformation: 'r/',
        serverReference: 'elsewhere:1883',
        authenticationMethod: 'PLAIN',
        authenticationData: Buffer.from('00ff', 'hex'),
      },
    },
    bytes: `20 @ 01 00 [11 ffffffff 21 ffff 24 01 25 00 27 10000004 12 "id" 22 0000 1f "why"
      26 "b" "1" 26 "a" "2" 26 "a" "3" 26 "__proto__" "p" 26 "" "" 28 01 29 01 2a 00 13 003c 1a "r/"
      1c "elsewhere:1883" 15 "PLAIN" 16 <00ff>]`,
  },
  {
    says: 'CONNACK of MQTT 5.0 without the properties that are undefined',
    versions: [5],
    packet: {
      ...{ cmd: 'connack', sessionPresent: false, reasonCode: 0x97 },
      properties: { reasonString: undefined, receiveMaximum: 1, userProperties: undefined },
    },
    bytes: '20 @ 00 97 [21 0001]',
  },
  {
    says: 'CONNACK with a Reason Code of MQTT 5.0 beside the return code',
    versions: [3, 4],
    packet: {
      cmd: 'connack',
      sessionPresent: false,
      returnCode: 3,
      reasonCode: 0x88,
      properties: { reasonString: 'x' },
    },
    bytes: '20 02 00 03',
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
  {
    says: 'SUBACK of MQTT 5.0 with every property, and the codes in their order',
    versions: [5],
    packet: {
      ...{ cmd: 'suback', messageId: 0xffff, granted: [2, 0x87, 0, 1, 0xa2] },
      properties: { reasonString: 'why', userProperties: { k: 'v' } },
    },
    bytes: '90 @ ffff [1f "why" 26 "k" "v"] 02 87 00 01 a2',
  },
  {
    says: 'SUBACK of more codes than a Remaining Length of one byte can hold',
    versions: [5],
    packet: { cmd: 'suback', messageId: 1, granted: Array.from({ length: 300 }, () => 1) },
    bytes: `90 @ 0001 [] ${'01'.repeat(300)}`,
  },
  { says: 'UNSUBACK without codes', versions: [3, 4], packet: { cmd: 'unsuback', messageId: 1 }, bytes: 'b0 02 0001' },
  {
    says: 'UNSUBACK with codes to a client of MQTT 3, which has none',
    versions: [3, 4],
    packet: { cmd: 'unsuback', messageId: 1, granted: [0, 0x11] },
    bytes: 'b0 02 0001',
  },
  {
    says: 'UNSUBACK of MQTT 5.0 with every property',
    versions: [5],
    packet: {
      ...{ cmd: 'unsuback', messageId: 0x0102, granted: [0x11, 0, 0x87] },
      properties: { reasonString: '', userProperties: { k: ['v', 'w'] } },
    },
    bytes: 'b0 @ 0102 [1f "" 26 "k" "v" 26 "k" "w"] 11 00 87',
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
    says: 'DISCONNECT of MQTT 5.0 without properties',
    versions: [5],
    packet: { cmd: 'disconnect', reasonCode: 0x8d },
    bytes: 'e0 02 8d 00',
  },
  {
    says: 'DISCONNECT of MQTT 5.0 with every property that a server may send',
    versions: [5],
    packet: {
      ...{ cmd: 'disconnect', reasonCode: 0x9d },
      properties: { reasonString: 'moved', userProperties: { k: 'v' }, serverReference: 'other:1883' },
    },
    bytes: 'e0 @ 9d [1f "moved" 26 "k" "v" 1c "other:1883"]',
  },
  {
    says: 'AUTH',
    versions: [5],
    packet: { cmd: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'm' } },
    bytes: 'f0 @ 18 [15 "m"]',
  },
  {
    says: 'AUTH with every property',
    versions: [5],
    packet: {
      ...{ cmd: 'auth', reasonCode: 0x18 },
      properties: {
        authenticationMethod: 'SCRAM-SHA-256',
        authenticationData: Buffer.from('ff00', 'hex'),
        reasonString: 'go on',
        userProperties: { k: 'v' },
      },
    },
    bytes: 'f0 @ 18 [15 "SCRAM-SHA-256" 16 <ff00> 1f "go on" 26 "k" "v"]',
  },
  {
    says: 'AUTH that ends the exchange',
    versions: [5],
    packet: {
      cmd: 'auth',
      reasonCode: 0,
      properties: { authenticationMethod: 'm', authenticationData: Buffer.alloc(0) },
    },
    bytes: 'f0 @ 00 [15 "m" 16 <>]',
  },
]

export interface FittedPacket {
  readonly packet: Readonly<Record<string, unknown>>
  /** The largest and the next smaller number of bytes with which this becomes of it. */
  readonly whole: string
  readonly withoutReasonString: string
  readonly withoutUserProperties: string
}

const diagnostic = { reasonString: 'why', userProperties: { k: 'v' } }

/** Packets of MQTT 5.0 that become smaller for a client that takes no larger ones. */
export const FITTED_PACKETS: readonly FittedPacket[] = [
  {
    packet: { cmd: 'connack', sessionPresent: false, reasonCode: 0, properties: { ...diagnostic, receiveMaximum: 9 } },
    whole: '20 @ 00 00 [1f "why" 26 "k" "v" 21 0009]',
    withoutReasonString: '20 @ 00 00 [26 "k" "v" 21 0009]',
    withoutUserProperties: '20 @ 00 00 [21 0009]',
  },
  ...['puback', 'pubrec', 'pubrel', 'pubcomp'].map((cmd, index): FittedPacket => {
    const first = ['40', '50', '62', '70'][index]!
    return {
      packet: { cmd, messageId: 1, reasonCode: 0x92, properties: diagnostic },
      whole: `${first} @ 0001 92 [1f "why" 26 "k" "v"]`,
      withoutReasonString: `${first} @ 0001 92 [26 "k" "v"]`,
      withoutUserProperties: `${first} @ 0001 92 []`,
    }
  }),
  {
    packet: { cmd: 'suback', messageId: 1, granted: [0, 0x80], properties: diagnostic },
    whole: '90 @ 0001 [1f "why" 26 "k" "v"] 00 80',
    withoutReasonString: '90 @ 0001 [26 "k" "v"] 00 80',
    withoutUserProperties: '90 @ 0001 [] 00 80',
  },
  {
    packet: { cmd: 'unsuback', messageId: 1, granted: [0], properties: diagnostic },
    whole: 'b0 @ 0001 [1f "why" 26 "k" "v"] 00',
    withoutReasonString: 'b0 @ 0001 [26 "k" "v"] 00',
    withoutUserProperties: 'b0 @ 0001 [] 00',
  },
  {
    packet: { cmd: 'disconnect', reasonCode: 0x8b, properties: { ...diagnostic, serverReference: 'x' } },
    whole: 'e0 @ 8b [1f "why" 26 "k" "v" 1c "x"]',
    withoutReasonString: 'e0 @ 8b [26 "k" "v" 1c "x"]',
    withoutUserProperties: 'e0 @ 8b [1c "x"]',
  },
  {
    packet: { cmd: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'm', ...diagnostic } },
    whole: 'f0 @ 18 [15 "m" 1f "why" 26 "k" "v"]',
    withoutReasonString: 'f0 @ 18 [15 "m" 26 "k" "v"]',
    withoutUserProperties: 'f0 @ 18 [15 "m"]',
  },
]
