import { expect, test } from 'vitest'
import { PacketType } from '../mqtt/packet-type.ts'
import { ClientError } from './client-error.ts'
import { PacketParser } from './packet-parser.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** All packets of some bytes that come in pieces. */
const parse = (text: string, { size = 1_000, version = 5 as 3 | 4 | 5, maximum = 1_000, isConnected = true } = {}) => {
  const parser = new PacketParser(version, maximum)
  if (isConnected) {
    parser.push(hex(version === 5 ? '20 03 00 00 00' : '20 02 00 00'))
    parser.next()
  }
  const bytes = hex(text)
  const packets = []
  for (let at = 0; at < bytes.length; at += size) {
    parser.push(bytes.subarray(at, at + size))
    for (let packet = parser.next(); packet !== undefined; packet = parser.next()) packets.push(packet)
  }
  return packets
}

const STREAM = [
  '20 09 01 00 06 21 00 0a 22 00 05', // CONNACK: Receive Maximum 10, Topic Alias Maximum 5
  '3d 10 0001 61 0007 08 0b 03 0b 80 01 23 00 01 68 69', // PUBLISH at QoS 2, two identifiers, an alias
  '40 02 0001', // PUBACK
  '50 04 0002 10 00', // PUBREC, No matching subscribers
  '62 02 0003', // PUBREL
  '70 03 0004 92', // PUBCOMP
  '90 05 0005 00 01 87', // SUBACK
  'b0 04 0006 00 11', // UNSUBACK
  'd0 00', // PINGRESP
  'e0 05 8b 03 1f 00 00', // DISCONNECT with an empty Reason String
].join('')

test.each([1, 2, 3, 5, 1_000])('packets in pieces of %d bytes', (size) => {
  const packets = parse(STREAM, { size, isConnected: false })
  expect(packets.map(({ type }) => type)).toEqual([
    PacketType.Connack,
    PacketType.Publish,
    PacketType.Puback,
    PacketType.Pubrec,
    PacketType.Pubrel,
    PacketType.Pubcomp,
    PacketType.Suback,
    PacketType.Unsuback,
    PacketType.Pingresp,
    PacketType.Disconnect,
  ])
  expect(packets[0]).toMatchObject({
    sessionPresent: true,
    reasonCode: 0,
    properties: { receiveMaximum: 10, topicAliasMaximum: 5 },
  })
  expect(packets[1]).toMatchObject({
    topic: 'a',
    payload: Buffer.from('hi'),
    qos: 2,
    retain: true,
    dup: true,
    packetIdentifier: 7,
    properties: { subscriptionIdentifier: [3, 128], topicAlias: 1 },
  })
  expect(packets[3]).toMatchObject({ packetIdentifier: 2, reasonCode: 0x10 })
  expect(packets[6]).toMatchObject({ packetIdentifier: 5, reasonCodes: [1, 0x87] })
  expect(packets[9]).toMatchObject({ reasonCode: 0x8b })
})

test.each([
  ['reserved packet type', '00 00'],
  ['CONNECT from a broker', '10 00'],
  ['SUBSCRIBE from a broker', '82 02 0001'],
  ['PINGREQ from a broker', 'c0 00'],
  ['AUTH that was not asked for', 'f0 00'],
  ['PUBLISH at QoS 3', '36 05 0001 61 0001'],
  ['PUBLISH at QoS 0 with DUP', '38 04 0001 61 00'],
  ['PUBLISH with a wildcard in its topic', '30 04 0001 23 00'],
  ['PUBLISH without a topic', '30 03 0000 00'],
  ['PUBLISH whose topic is cut off', '30 03 00ff 61'],
  ['PUBLISH with a topic that is not UTF-8', '30 04 0001 ff 00'],
  ['PUBLISH at QoS 1 with the Packet Identifier 0', '32 06 0001 61 0000 00'],
  ['PUBLISH with the Subscription Identifier 0', '30 06 0001 61 02 0b 00'],
  ['PUBLISH with a property of CONNACK', '30 06 0001 61 02 24 01'],
  ['PUBLISH with the property Topic Alias twice', '30 0a 0001 61 06 23 0001 23 0001'],
  ['PUBACK with flags', '41 02 0001'],
  ['PUBACK without a Packet Identifier', '40 01 00'],
  ['PUBREL without its flag', '60 02 0001'],
  ['CONNACK that is cut off', '20 01 00'],
  ['CONNACK with reserved flags', '20 03 02 00 00'],
  ['CONNACK with bytes behind its Properties', '20 04 00 00 00 00'],
  ['SUBACK whose Properties are cut off', '90 03 0001 05'],
  ['Remaining Length of five bytes', '30 ff ff ff ff 01'],
  ['a packet that is too large', '30 ff 7f'],
  ['PINGRESP with a body', 'd0 01 00'],
])('%s ends the client', (_name, bytes) => {
  expect(() => parse(bytes)).toThrow(ClientError)
  expect(() => parse(bytes)).toThrow(/^The broker broke the protocol: .+ \(0x\w\w\)/)
})

test.each([
  ['PUBLISH', '30 04 0001 61 00'],
  ['HTTP', '48 54'],
])('%s as the first packet is refused at its first byte', (_name, bytes) => {
  expect(() => parse(bytes.slice(0, 2), { isConnected: false })).toThrow('The first packet is not CONNACK.')
})

test('DISCONNECT from a broker before MQTT 5.0', () => {
  expect(() => parse('e0 00', { version: 4 })).toThrow('A server may not send DISCONNECT before MQTT 5.0.')
})

test('a length that is announced takes no memory before its bytes come', () => {
  const parser = new PacketParser(5)
  parser.push(hex('20 03 00 00 00'))
  parser.next()
  const before = process.memoryUsage().arrayBuffers
  parser.push(hex('30 ff ff ff 7f'))
  expect(parser.next()).toBeUndefined()
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000)
})

test('CONNACK of MQTT 3.1: the reserved byte means nothing', () => {
  expect(parse('20 02 01 00', { version: 3 })).toMatchObject([{ sessionPresent: false, reasonCode: 0 }])
  expect(parse('20 02 01 00', { version: 4 })).toMatchObject([{ sessionPresent: true, reasonCode: 0 }])
})
