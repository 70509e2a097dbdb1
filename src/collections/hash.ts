const BASIS = 0x811c9dc5 | 0
const PRIME = 0x01000193

/**
 * FNV-1a of a range of bytes, 32 bits. It spreads well and is not secret: use it only where collisions cost little.
 * @param before the hash of the bytes that come before these; left out for the first ones.
 */
export const hashOfBytes = (bytes: Uint8Array, start: number, end: number, before = BASIS): number => {
  let hash = before
  for (let index = start; index < end; index += 1) hash = Math.imul(hash ^ bytes[index]!, PRIME)
  return hash
}
