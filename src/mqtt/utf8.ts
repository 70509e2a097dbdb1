/**
 * The classes of the bytes of a UTF-8 Encoded String (section 1.5.4). Control characters and non-characters are legal; a byte
 * order mark is an ordinary character [MQTT-1.5.4-3].
 */
export const Utf8 = {
  /** Legal, and every character is one byte. */
  Ascii: 0,
  /** Legal, with characters of several bytes. */
  MultiByte: 1,
  /** Not UTF-8: a stray or missing continuation byte, an overlong form, a surrogate, a code point over U+10FFFF. */
  IllFormed: 2,
  /** Holds U+0000. */
  NullCharacter: 3,
} as const
export type Utf8 = (typeof Utf8)[keyof typeof Utf8]

/** Classifies the bytes from `start` up to `end` in one pass. Allocates nothing. */
export const classifyUtf8 = (bytes: Uint8Array, start: number, end: number): Utf8 => {
  let form: Utf8 = Utf8.Ascii
  let position = start
  while (position < end) {
    const byte = bytes[position]!
    if (byte < 0x80) {
      if (byte === 0) return Utf8.NullCharacter // [MQTT-1.5.4-2]
      position += 1
      continue
    }
    const length = sequenceLength(bytes, position, end)
    if (length === 0) return Utf8.IllFormed // [MQTT-1.5.4-1]
    form = Utf8.MultiByte
    position += length
  }
  return form
}

/** The length of the well-formed sequence of 2 to 4 bytes at `position`, or 0; the rows of table 3-7 of Unicode. */
const sequenceLength = (bytes: Uint8Array, position: number, end: number): number => {
  const lead = bytes[position]!
  if (lead < 0xc2 || lead > 0xf4) return 0
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  if (position + length > end) return 0
  // The second byte shows overlong forms, surrogates and code points over U+10FFFF.
  const second = bytes[position + 1]!
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  if (second < lowest || second > highest) return 0
  for (let index = 2; index < length; index += 1) {
    if ((bytes[position + index]! & 0xc0) !== 0x80) return 0
  }
  return length
}
