import { expect, it } from 'vitest'
import { PacketReader } from '../../src/mqtt/packet-reader.ts'
import { packetBytes } from '../../test/helpers/packet-bytes.ts'
import { PacketParser } from './packet-parser.ts'

const parse = (parser: PacketParser, firstByte: number, body: string): unknown => {
  const reader = new PacketReader()
  reader.protocolVersion = 5
  return parser.parse(firstByte, packetBytes(body), reader)
}

it('returns undefined for what mqtt-packet does not understand, and parses the next packet as if nothing was', () => {
  const parser = new PacketParser()
  expect(parse(parser, 0x82, '0001 [7e 00] "a" 00')).toBeUndefined()
  expect(parse(parser, 0x82, '0001 [] "a" ff')).toBeUndefined()
  expect(parse(parser, 0x82, '00')).toBeUndefined()
  expect(parse(parser, 0x82, '0001 [] "a" 01')).toMatchObject({ messageId: 1, subscriptions: [{ topic: 'a', qos: 1 }] })
  expect(parse(parser, 0xa2, '0001 [] "a"')).toMatchObject({ unsubscriptions: ['a'] })
})
