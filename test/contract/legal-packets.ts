/** Every form of every packet that a client may send, and what a decoder makes of it. See `packet-bytes.ts` for the notation. */

import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'

export interface LegalPacket {
  readonly says: string
  readonly versions: readonly ProtocolVersion[]
  readonly bytes: string
  /** Without the fields that are false, 0 or null, and without `length`. */
  readonly packet: Readonly<Record<string, unknown>>
}

const hex = (digits: string): Buffer => Buffer.from(digits, 'hex')
const none = Object.freeze({})

/** Rows of MQTT 3.1 for bits of a packet that it does not use: what it is, its first bytes, what follows, the packet. */
function unusedFlags(
  rows: readonly (readonly [string, readonly string[], string, LegalPacket['packet']])[],
): readonly LegalPacket[] {
  return rows.flatMap(([name, firstBytes, rest, packet]) =>
    firstBytes.map((first): LegalPacket => {
      const says = `${name} of MQTT 3.1 with bits that it does not use, 0x${first}`
      return { says, versions: [3], bytes: `${first} ${rest}`, packet }
    }),
  )
}

export const LEGAL_CONNECTS: readonly LegalPacket[] = [
  {
    says: 'CONNECT of MQTT 3.1',
    versions: [3],
    bytes: '10 0e 0006 4d5149736470 03 02 003c 0000',
    packet: { cmd: 'connect', protocolId: 'MQIsdp', protocolVersion: 3, clean: true, keepalive: 60, clientId: '' },
  },
  {
    says: 'CONNECT of MQTT 3.1 with all fields',
    versions: [3],
    bytes: '10 @ "MQIsdp" 03 f6 0001 "client" "will/topic" <00ff> "me" <736563726574>',
    packet: {
      ...{ cmd: 'connect', protocolId: 'MQIsdp', protocolVersion: 3, clean: true, keepalive: 1, clientId: 'client' },
      will: { retain: true, qos: 2, topic: 'will/topic', payload: hex('00ff') },
      username: 'me',
      password: Buffer.from('secret'),
    },
  },
  {
    says: 'CONNECT of MQTT 3.1 that announces a User Name and a Password and leaves both out',
    versions: [3],
    bytes: '10 @ "MQIsdp" 03 c2 003c "c"',
    packet: { cmd: 'connect', protocolId: 'MQIsdp', protocolVersion: 3, clean: true, keepalive: 60, clientId: 'c' },
  },
  {
    says: 'CONNECT of MQTT 3.1 that announces a Password and leaves it out',
    versions: [3],
    bytes: '10 @ "MQIsdp" 03 c2 003c "c" "me"',
    packet: {
      ...{ cmd: 'connect', protocolId: 'MQIsdp', protocolVersion: 3, clean: true, keepalive: 60, clientId: 'c' },
      username: 'me',
    },
  },
  {
    says: 'CONNECT of MQTT 3.1 with bit 0 of the Connect Flags, which it does not use',
    versions: [3],
    bytes: '100f 0006 4d5149736470 03 01 000a 0001 70',
    packet: { cmd: 'connect', protocolId: 'MQIsdp', protocolVersion: 3, clean: false, keepalive: 10, clientId: 'p' },
  },
  {
    says: 'CONNECT of MQTT 3.1 with a QoS in its fixed header, which it does not use',
    versions: [3],
    bytes: '140f 0006 4d5149736470 03 02 000a 0001 70',
    packet: { cmd: 'connect', protocolId: 'MQIsdp', protocolVersion: 3, clean: true, keepalive: 10, clientId: 'p' },
  },
  {
    says: 'CONNECT of MQTT 3.1 with every bit that it does not use, and a Will',
    versions: [3],
    bytes: '1f @ "MQIsdp" 03 07 000a "p" "w" <01>',
    packet: {
      ...{ cmd: 'connect', protocolId: 'MQIsdp', protocolVersion: 3, clean: true, keepalive: 10, clientId: 'p' },
      will: { retain: false, qos: 0, topic: 'w', payload: hex('01') },
    },
  },
  {
    says: 'CONNECT of MQTT 3.1 with Will QoS and Will Retain and no Will, which are disregarded',
    versions: [3],
    bytes: '10 @ "MQIsdp" 03 3a 000a "p"',
    packet: { cmd: 'connect', protocolId: 'MQIsdp', protocolVersion: 3, clean: true, keepalive: 10, clientId: 'p' },
  },
  {
    says: 'CONNECT of MQTT 3.1.1',
    versions: [4],
    bytes: '10 0d 0004 4d515454 04 02 003c 0001 63',
    packet: { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 60, clientId: 'c' },
  },
  {
    says: 'CONNECT of MQTT 3.1.1 without Clean Session, with an empty Will Payload and an empty Password',
    versions: [4],
    bytes: '10 @ "MQTT" 04 cc 0000 "c" "w" <> "" <>',
    packet: {
      ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: false, keepalive: 0, clientId: 'c' },
      will: { retain: false, qos: 1, topic: 'w', payload: hex('') },
      username: '',
      password: hex(''),
    },
  },
  {
    says: 'CONNECT of MQTT 5.0',
    versions: [5],
    bytes: '10 0e 0004 4d515454 05 02 003c 00 0001 63',
    packet: { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, clean: true, keepalive: 60, clientId: 'c' },
  },
  {
    says: 'CONNECT of MQTT 5.0 with a Password and no User Name',
    versions: [5],
    bytes: '10 @ "MQTT" 05 42 003c [] "c" "token"',
    packet: {
      ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, clean: true, keepalive: 60, clientId: 'c' },
      password: Buffer.from('token'),
    },
  },
  {
    says: 'CONNECT of MQTT 5.0 with every property',
    versions: [5],
    bytes: `10 @ "MQTT" 05 06 003c
      [11 ffffffff 21 0001 27 00000001 22 0000 19 01 17 00 15 "PLAIN" 16 <01> 26 "a" "1" 26 "b" "2" 26 "a" "3"] "c"
      [18 00000005 01 01 02 0000000a 03 "text/plain" 08 "answer" 09 <02> 26 "k" "v"] "w" <78>`,
    packet: {
      ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, clean: true, keepalive: 60, clientId: 'c' },
      properties: {
        sessionExpiryInterval: 0xffff_ffff,
        receiveMaximum: 1,
        maximumPacketSize: 1,
        topicAliasMaximum: 0,
        requestResponseInformation: true,
        requestProblemInformation: false,
        authenticationMethod: 'PLAIN',
        authenticationData: hex('01'),
        userProperties: { a: ['1', '3'], b: '2' },
      },
      will: {
        retain: false,
        qos: 0,
        topic: 'w',
        payload: Buffer.from('x'),
        properties: {
          willDelayInterval: 5,
          payloadFormatIndicator: true,
          messageExpiryInterval: 10,
          contentType: 'text/plain',
          responseTopic: 'answer',
          correlationData: hex('02'),
          userProperties: { k: 'v' },
        },
      },
      // The same without Will Delay Interval and Message Expiry Interval.
      willProperties: packetBytes('01 01 03 "text/plain" 08 "answer" 09 <02> 26 "k" "v"'),
    },
  },
]

export const LEGAL_PACKETS: readonly LegalPacket[] = [
  {
    says: 'PUBLISH at QoS 0',
    versions: [3, 4],
    bytes: "30 07 0003 'a/b' 'hi'",
    packet: { cmd: 'publish', topic: 'a/b', payload: Buffer.from('hi') },
  },
  {
    says: 'PUBLISH at QoS 0 with the RETAIN flag and an empty payload',
    versions: [3, 4],
    bytes: '31 @ "a"',
    packet: { cmd: 'publish', topic: 'a', payload: hex(''), retain: true },
  },
  {
    says: 'PUBLISH at QoS 1, repeated',
    versions: [3, 4],
    bytes: '3a @ "a" ffff 00ff',
    packet: { cmd: 'publish', topic: 'a', payload: hex('00ff'), qos: 1, dup: true, messageId: 0xffff },
  },
  {
    says: 'PUBLISH at QoS 2 on a topic of two, three and four byte characters',
    versions: [3, 4],
    bytes: '34 @ "é/語/🎈" 0001 aa',
    packet: { cmd: 'publish', topic: 'é/語/🎈', payload: hex('aa'), qos: 2, messageId: 1 },
  },
  {
    says: 'PUBLISH with a payload of 128 bytes, whose Remaining Length takes two bytes',
    versions: [3, 4],
    bytes: `30 8301 "a" ${'42'.repeat(128)}`,
    packet: { cmd: 'publish', topic: 'a', payload: Buffer.alloc(128, 0x42) },
  },
  {
    says: 'PUBLISH on a topic with a byte order mark, which is a character like others [MQTT-1.5.4-3]',
    versions: [3, 4],
    bytes: '30 @ <efbbbf61>',
    packet: { cmd: 'publish', topic: '\ufeffa', payload: hex('') },
  },
  {
    says: 'PUBLISH of MQTT 5.0 at QoS 0 without properties',
    versions: [5],
    bytes: '30 @ "a/b" [] \'hi\'',
    packet: { cmd: 'publish', topic: 'a/b', payload: Buffer.from('hi') },
  },
  {
    says: 'PUBLISH of MQTT 5.0 with every property',
    versions: [5],
    bytes: '33 @ "a" 0007 [01 00 02 00000001 23 0003 08 "b/c" 09 <00> 26 "" "" 26 "" "2" 26 "__proto__" "p" 03 ""] 01',
    packet: {
      ...{ cmd: 'publish', topic: 'a', payload: hex('01'), qos: 1, retain: true, messageId: 7 },
      properties: {
        payloadFormatIndicator: false,
        messageExpiryInterval: 1,
        topicAlias: 3,
        responseTopic: 'b/c',
        correlationData: hex('00'),
        userProperties: Object.fromEntries([
          ['', ['', '2']],
          ['__proto__', 'p'],
        ]),
        contentType: '',
      },
    },
  },
  {
    says: 'PUBLISH of MQTT 5.0 with a Topic Alias in place of a Topic Name',
    versions: [5],
    bytes: '30 @ "" [23 0001] 01',
    packet: { cmd: 'publish', topic: '', payload: hex('01'), properties: { topicAlias: 1 } },
  },
  ...(['puback', 'pubrec', 'pubrel', 'pubcomp'] as const).flatMap((cmd, index): LegalPacket[] => {
    const first = ['40', '50', '62', '70'][index]!
    const flags = cmd === 'pubrel' ? { qos: 1 } : none
    const code = index < 2 ? 0x10 : 0x92
    const codeHex = code.toString(16)
    const name = cmd.toUpperCase()
    return [
      {
        says: name,
        versions: [3, 4],
        bytes: `${first} 02 0102`,
        packet: { cmd, ...flags, messageId: 0x0102 },
      },
      {
        says: `${name} of MQTT 5.0 without a Reason Code`,
        versions: [5],
        bytes: `${first} 02 0102`,
        packet: { cmd, ...flags, messageId: 0x0102, reasonCode: 0 },
      },
      {
        says: `${name} of MQTT 5.0 without a Property Length`,
        versions: [5],
        bytes: `${first} 03 0102 ${codeHex}`,
        packet: { cmd, ...flags, messageId: 0x0102, reasonCode: code },
      },
      {
        says: `${name} of MQTT 5.0 with every property`,
        versions: [5],
        bytes: `${first} @ 0102 ${codeHex} [1f "why" 26 "a" "b"]`,
        packet: {
          ...{ cmd, ...flags, messageId: 0x0102, reasonCode: code },
          properties: { reasonString: 'why', userProperties: { a: 'b' } },
        },
      },
    ]
  }),
  {
    says: 'PUBREL of MQTT 3.1, repeated',
    versions: [3],
    bytes: '6a 02 0001',
    packet: { cmd: 'pubrel', qos: 1, dup: true, messageId: 1 },
  },
  ...unusedFlags([
    ['PUBACK', ['41', '4f'], '02 0102', { cmd: 'puback', messageId: 0x0102 }],
    ['PUBREC', ['52', '5f'], '02 0102', { cmd: 'pubrec', messageId: 0x0102 }],
    ['PUBREL', ['60', '67'], '02 0102', { cmd: 'pubrel', qos: 1, messageId: 0x0102 }],
    ['PUBCOMP', ['74', '7f'], '02 0102', { cmd: 'pubcomp', messageId: 0x0102 }],
    [
      'SUBSCRIBE',
      ['80', '85'],
      '@ 0102 "a" fd',
      { cmd: 'subscribe', qos: 1, messageId: 0x0102, subscriptions: [{ topic: 'a', qos: 1 }] },
    ],
    [
      'UNSUBSCRIBE',
      ['a0', 'a7'],
      '@ 0102 "a"',
      { cmd: 'unsubscribe', qos: 1, messageId: 0x0102, unsubscriptions: ['a'] },
    ],
    ['PINGREQ', ['c8', 'cf'], '00', { cmd: 'pingreq' }],
    ['DISCONNECT', ['e1', 'ef'], '00', { cmd: 'disconnect' }],
  ]),
  {
    says: 'SUBSCRIBE',
    versions: [3, 4],
    bytes: '82 @ 000a "a/+/#" 01 "#" 00 "+" 02 "/" 00 "$share/group/a/#" 01 "$share" 00',
    packet: {
      ...{ cmd: 'subscribe', qos: 1, messageId: 10 },
      subscriptions: [
        { topic: 'a/+/#', qos: 1 },
        { topic: '#', qos: 0 },
        { topic: '+', qos: 2 },
        { topic: '/', qos: 0 },
        { topic: '$share/group/a/#', qos: 1 },
        { topic: '$share', qos: 0 },
      ],
    },
  },
  {
    says: 'SUBSCRIBE of MQTT 3.1, repeated',
    versions: [3],
    bytes: '8a @ 000a "a" 00',
    packet: { cmd: 'subscribe', qos: 1, dup: true, messageId: 10, subscriptions: [{ topic: 'a', qos: 0 }] },
  },
  {
    says: 'SUBSCRIBE of MQTT 5.0 with every option and property',
    versions: [5],
    bytes: '82 @ 000a [0b ffffff7f 26 "k" "v"] "a" 2e "$share/g/b" 09',
    packet: {
      ...{ cmd: 'subscribe', qos: 1, messageId: 10 },
      properties: { subscriptionIdentifier: 268_435_455, userProperties: { k: 'v' } },
      subscriptions: [
        { topic: 'a', qos: 2, nl: true, rap: true, rh: 2 },
        { topic: '$share/g/b', qos: 1, nl: false, rap: true, rh: 0 },
      ],
    },
  },
  {
    says: 'UNSUBSCRIBE',
    versions: [3, 4],
    bytes: 'a2 @ 000a "a/+" "$share/g/#"',
    packet: { cmd: 'unsubscribe', qos: 1, messageId: 10, unsubscriptions: ['a/+', '$share/g/#'] },
  },
  {
    says: 'UNSUBSCRIBE of MQTT 3.1, repeated',
    versions: [3],
    bytes: 'aa @ 000a "a"',
    packet: { cmd: 'unsubscribe', qos: 1, dup: true, messageId: 10, unsubscriptions: ['a'] },
  },
  {
    says: 'UNSUBSCRIBE of MQTT 5.0',
    versions: [5],
    bytes: 'a2 @ 000a [26 "k" "v"] "a/+"',
    packet: {
      ...{ cmd: 'unsubscribe', qos: 1, messageId: 10, unsubscriptions: ['a/+'] },
      properties: { userProperties: { k: 'v' } },
    },
  },
  { says: 'PINGREQ', versions: [3, 4, 5], bytes: 'c0 00', packet: { cmd: 'pingreq' } },
  { says: 'DISCONNECT', versions: [3, 4], bytes: 'e0 00', packet: { cmd: 'disconnect' } },
  {
    says: 'DISCONNECT of MQTT 5.0 without a Reason Code',
    versions: [5],
    bytes: 'e0 00',
    packet: { cmd: 'disconnect', reasonCode: 0 },
  },
  {
    says: 'DISCONNECT of MQTT 5.0 without a Property Length',
    versions: [5],
    bytes: 'e0 01 04',
    packet: { cmd: 'disconnect', reasonCode: 4 },
  },
  {
    says: 'DISCONNECT of MQTT 5.0 for a Protocol Error',
    versions: [5],
    bytes: 'e0 02 82 00',
    packet: { cmd: 'disconnect', reasonCode: 0x82 },
  },
  {
    says: 'DISCONNECT of MQTT 5.0 with every property',
    versions: [5],
    bytes: 'e0 @ 00 [11 0000000a 1f "bye" 26 "a" "b" 1c "elsewhere"]',
    packet: {
      ...{ cmd: 'disconnect', reasonCode: 0 },
      properties: {
        sessionExpiryInterval: 10,
        reasonString: 'bye',
        userProperties: { a: 'b' },
        serverReference: 'elsewhere',
      },
    },
  },
  { says: 'AUTH, empty', versions: [5], bytes: 'f0 00', packet: { cmd: 'auth', reasonCode: 0 } },
  {
    says: 'AUTH with every property',
    versions: [5],
    bytes: 'f0 @ 18 [15 "SCRAM-SHA-256" 16 <00ff> 1f "" 26 "a" "b"]',
    packet: {
      ...{ cmd: 'auth', reasonCode: 0x18 },
      properties: {
        authenticationMethod: 'SCRAM-SHA-256',
        authenticationData: hex('00ff'),
        reasonString: '',
        userProperties: { a: 'b' },
      },
    },
  },
]
