/** The size of each buffer: as much as one read brings, and as one connection gathers before it sends. */
export const POOLED_BYTES = 64 * 1024
/** Buffers kept while nobody uses them: 4 MiB. */
const MAXIMUM_FREE = 64

/**
 * Memory that is used again and again, for what goes out. Buffers live outside of V8's heap, and V8 collects the whole heap
 * when a few dozen MiB of them have come and gone: at 200 MB a second that was twenty times a second, and a tenth to a
 * third of the processor time.
 */
export class BufferPool {
  readonly #free: Buffer[] = []
  readonly #all = new WeakSet<Uint8Array>()

  /** A buffer of `POOLED_BYTES`, whatever is in it. Whoever takes it gives it back, or leaves it to the garbage collector. */
  take(): Buffer {
    const free = this.#free.pop()
    if (free !== undefined) return free
    const buffer = Buffer.allocUnsafeSlow(POOLED_BYTES)
    this.#all.add(buffer)
    return buffer
  }

  /** Gives a buffer back that nobody reads any more. */
  give(buffer: Buffer): void {
    if (this.#free.length < MAXIMUM_FREE) this.#free.push(buffer)
  }

  /** Whether these bytes are a buffer of the pool, and will be overwritten some time. */
  owns(bytes: Uint8Array): boolean {
    return this.#all.has(bytes)
  }
}
