import { expect, test } from 'vitest'
import { DER, derTimeMs, derValues } from './der.ts'

const time = (tag: number, text: string): number | undefined => {
  const content = Buffer.from(text)
  return derTimeMs({ tag, content, whole: content })
}

test.each([
  // RFC 5280, 4.1.2.5.1: two digits from 50 are years of the 20th century.
  [DER.utcTime, '490203040506Z', '2049-02-03T04:05:06.000Z'],
  [DER.utcTime, '500203040506Z', '1950-02-03T04:05:06.000Z'],
  [DER.generalizedTime, '20500203040506Z', '2050-02-03T04:05:06.000Z'],
])('the time %i %s', (tag, text, expected) => {
  expect(new Date(time(tag, text)!).toISOString()).toBe(expected)
})

test('a time in another form is none', () => {
  expect(time(DER.utcTime, '490203040506+0100')).toBeUndefined()
})

test.each([
  ['a value without a length', '30', 'a value has no length'],
  ['a length without an end', '3080', 'a length is not right'],
  ['a length that is cut off', '308201', 'a length is not right'],
  ['a value that is cut off', '300201', 'a value is longer than its container'],
])('%s is an error', (_name, hex, text) => {
  expect(() => derValues(Buffer.from(hex, 'hex'))).toThrow(text)
})
