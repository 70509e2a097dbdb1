import { expect, it } from 'vitest'
import { encodeForwardedProperties } from './encode-properties.ts'
import { packetBytes } from './packet-bytes.ts'

it('encodes what is forwarded with a message, in the order given, and leaves out the rest', () => {
  const properties = {
    topicAlias: 1,
    userProperties: { b: ['1', '2'], a: 'é', ['__proto__']: '' },
    payloadFormatIndicator: true,
    messageExpiryInterval: 5,
    subscriptionIdentifier: 7,
    responseTopic: 'answer',
    correlationData: Buffer.from('00ff', 'hex'),
    contentType: '',
  }
  const bytes = '26 "b" "1" 26 "b" "2" 26 "a" "é" 26 "__proto__" "" 01 01 08 "answer" 09 <00ff> 03 ""'
  expect(encodeForwardedProperties(properties).toString('hex')).toBe(packetBytes(bytes).toString('hex'))
  expect(encodeForwardedProperties({ payloadFormatIndicator: false }).toString('hex')).toBe('0100')
  expect(encodeForwardedProperties({})).toHaveLength(0)
})

it('throws when a text is longer than its length can say', () => {
  expect(() => encodeForwardedProperties({ contentType: 'a'.repeat(65_536) })).toThrow(RangeError)
})
