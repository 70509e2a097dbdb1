/** The mask of a frame (RFC 6455, section 5.3), and its next byte. */
export interface Mask {
  /** Its four bytes as a number, the first byte lowest. */
  key: number
  /** The index of the mask's byte for the next byte, 0 to 3. */
  offset: number
}

/**
 * Removes the mask from bytes, and writes them to their place. The places may overlap if the target is not behind the source.
 */
export const unmask = (
  source: Uint8Array,
  start: number,
  length: number,
  mask: Mask,
  target: Uint8Array,
  to: number,
): void => {
  // The mask as it is for the first byte, so that the index of a byte within the loop is that of its mask.
  const shift = mask.offset * 8
  const key = shift === 0 ? mask.key : (mask.key >>> shift) | (mask.key << (32 - shift))
  mask.offset = (mask.offset + length) & 3
  const [first, second, third, fourth] = [key & 0xff, (key >>> 8) & 0xff, (key >>> 16) & 0xff, (key >>> 24) & 0xff]
  const whole = length & ~3
  let index = 0
  for (; index < whole; index += 4) {
    target[to + index] = source[start + index]! ^ first
    target[to + index + 1] = source[start + index + 1]! ^ second
    target[to + index + 2] = source[start + index + 2]! ^ third
    target[to + index + 3] = source[start + index + 3]! ^ fourth
  }
  for (; index < length; index += 1) target[to + index] = source[start + index]! ^ (key >>> ((index & 3) * 8))
}
