/** Up to this many bytes a loop is faster than `Buffer.copy` and `Uint8Array.set`, which make a view of the part first. */
const LOOP_BYTES = 64

/**
 * Copies `from[start..end)` to `to` at `position`, which has room for it.
 * @returns where the copy ends in `to`.
 */
export const copyBytes = (from: Uint8Array, start: number, end: number, to: Uint8Array, position: number): number => {
  let at = position
  if (end - start <= LOOP_BYTES) {
    for (let index = start; index < end; index += 1) to[at++] = from[index]!
    return at
  }
  to.set(start === 0 && end === from.length ? from : from.subarray(start, end), at)
  return at + end - start
}
