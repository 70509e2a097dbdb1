/** FNV-1a of a range of bytes, 32 bits. Spreads well and is no secret: collisions must cost whoever uses it little. */
export const hashOfBytes = (bytes: Uint8Array, start: number, end: number): number => {
  let hash = BASIS
  for (let index = start; index < end; index += 1) hash = Math.imul(hash ^ bytes[index]!, PRIME)
  return hash
}

const BASIS = 0x811c9dc5 | 0
const PRIME = 0x01000193
