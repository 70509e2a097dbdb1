import { isUtf8 } from 'node:buffer'
import type { Message } from '../../src/mqtt/message.ts'

/** Bytes of a payload in a list, and of that of a single message. */
export const LIST_BYTES = 256
export const SINGLE_BYTES = 1024 ** 2

/** A payload as JSON. @param maximumBytes the rest is left out. */
export const payloadOf = ({ payload }: Message, maximumBytes: number) => {
  const shown = payload.subarray(0, maximumBytes)
  const isCut = shown.length < payload.length
  const text = isCut ? withoutHalfCharacter(shown) : shown
  return {
    base64: shown.toString('base64'),
    ...(isUtf8(text) && { text: text.toString() }),
    bytes: payload.length,
    ...(isCut && { isCut }),
  }
}

/** Removes the last character if it was cut. */
const withoutHalfCharacter = (bytes: Buffer): Buffer => {
  for (let end = bytes.length; end > bytes.length - 4; end -= 1)
    if (isUtf8(bytes.subarray(0, end))) return bytes.subarray(0, end)
  return bytes
}
