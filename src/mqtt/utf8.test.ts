import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { classifyUtf8, Utf8 } from './utf8.ts'

const classify = (hex: string): Utf8 => {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  return classifyUtf8(bytes, 0, bytes.length)
}

it.each([
  ['nothing', '', Utf8.Ascii],
  ['control characters, which are legal', '01 1f 7f', Utf8.Ascii],
  ['the smallest and largest sequences of two bytes', 'c2 80 df bf', Utf8.MultiByte],
  ['the smallest and largest of three bytes', 'e0 a0 80 ef bf bf', Utf8.MultiByte],
  ['those around the surrogates', 'ed 9f bf ee 80 80', Utf8.MultiByte],
  ['the smallest and largest of four bytes', 'f0 90 80 80 f4 8f bf bf', Utf8.MultiByte],
  ['a byte order mark [MQTT-1.5.4-3]', 'ef bb bf', Utf8.MultiByte],
  ['U+0000 [MQTT-1.5.4-2]', '61 00', Utf8.NullCharacter],
  ['U+0000 behind a longer sequence', 'c3 a9 00', Utf8.NullCharacter],
  ['U+0000 as two bytes', 'c0 80', Utf8.IllFormed],
  ['the first surrogate', 'ed a0 80', Utf8.IllFormed],
  ['the last surrogate', 'ed bf bf', Utf8.IllFormed],
  ['overlong two bytes', 'c1 bf', Utf8.IllFormed],
  ['overlong three bytes', 'e0 9f bf', Utf8.IllFormed],
  ['overlong four bytes', 'f0 8f bf bf', Utf8.IllFormed],
  ['U+110000', 'f4 90 80 80', Utf8.IllFormed],
  ['five bytes', 'f8 88 80 80 80', Utf8.IllFormed],
  ['a continuation byte alone', '61 80', Utf8.IllFormed],
  ['two bytes without the second', '61 c3', Utf8.IllFormed],
  ['three bytes without the third', 'e2 82', Utf8.IllFormed],
  ['four bytes with a bad fourth', 'f0 9f 8e 28', Utf8.IllFormed],
])('classifies %s', (_what, hex, expected) => {
  expect(classify(hex)).toBe(expected)
})

it('agrees with Node on any bytes', () => {
  const interesting = fc.constantFrom(
    0x41,
    0x7f,
    0x80,
    0xbf,
    0xc2,
    0xdf,
    0xe0,
    0xed,
    0xef,
    0xf0,
    0xf4,
    0x90,
    0x9f,
    0xa0,
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(interesting, fc.integer({ min: 1, max: 255 })), { maxLength: 8 }), (values) => {
      const bytes = Uint8Array.from(values)
      expect(classifyUtf8(bytes, 0, bytes.length) !== Utf8.IllFormed).toBe(isUtf8(bytes))
    }),
    { numRuns: 2000, seed: 1 },
  )
})

it('the check of UTF-8 reads no byte outside its bounds', () => {
  const bytes = Buffer.from('ff41c3a9ff', 'hex')
  expect(classifyUtf8(bytes, 1, 2)).toBe(Utf8.Ascii)
  expect(classifyUtf8(bytes, 1, 4)).toBe(Utf8.MultiByte)
  expect(classifyUtf8(bytes, 1, 3)).toBe(Utf8.IllFormed)
})
