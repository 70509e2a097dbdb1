import { describe, expect, test } from 'vitest'
import { packetBytes } from '../../test/helpers/packet-bytes.ts'
import { encodeField, encodeProperties } from './encode-properties.ts'

describe('Properties (section 2.2.2)', () => {
  test.each([
    ['no properties', {}, '00'],
    ['a Byte, as a number and as a boolean', { maximumQoS: 1, retainAvailable: false }, '04 24 01 25 00'],
    ['a Two Byte Integer', { receiveMaximum: 258 }, '03 21 01 02'],
    ['a Four Byte Integer', { sessionExpiryInterval: 0xffff_ffff }, '05 11 ff ff ff ff'],
    ['Variable Byte Integers', { subscriptionIdentifier: [1, 268_435_455] }, '07 0b 01 0b ff ff ff 7f'],
    ['one Variable Byte Integer', { subscriptionIdentifier: 128 }, '03 0b 80 01'],
    ['a text', { contentType: 'é' }, '05 03 00 02 c3 a9'],
    ['Binary Data', { correlationData: Buffer.of(0, 255) }, '05 09 00 02 00 ff'],
    ['User Properties, one name several times', { userProperties: { a: ['1', '2'] } }, '0e 26 "a" "1" 26 "a" "2"'],
    ['a value that is not set', { contentType: undefined, topicAlias: 1 }, '03 23 00 01'],
  ])('%s', (_name, properties, bytes) => {
    expect(encodeProperties(properties).toString('hex')).toBe(packetBytes(bytes).toString('hex'))
  })

  test('a property that MQTT does not have is a mistake', () => {
    expect(() => encodeProperties({ colour: 1 })).toThrow(new RangeError('There is no property colour.'))
  })
})

test('a field has 65,535 bytes at most; the error names it', () => {
  expect(encodeField('x'.repeat(65_535), 'Topic Name').length).toBe(65_537)
  expect(() => encodeField('é'.repeat(32_768), 'Topic Name')).toThrow('The Topic Name is longer than 65535 bytes.')
  expect(() => encodeProperties({ reasonString: 'x'.repeat(65_536) })).toThrow(RangeError)
})
