import { vi } from 'vitest'

/** Counts the memory that a decoder takes and the bytes that it copies, until `vi.restoreAllMocks`. */
export const countWork = () => {
  const work = { allocated: 0, copied: 0 }
  const allocate = Buffer.allocUnsafe
  const set = Uint8Array.prototype.set
  vi.spyOn(Buffer, 'allocUnsafe').mockImplementation((size) => {
    work.allocated += size
    return allocate(size)
  })
  vi.spyOn(Uint8Array.prototype, 'set').mockImplementation(function (this: Uint8Array, source, offset) {
    work.copied += source.length
    set.call(this, source, offset)
  })
  return work
}
