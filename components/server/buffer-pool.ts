/** The size of each buffer: as much as one read brings, and as one connection gathers before it sends. */
export const POOLED_BYTES = 64 * 1024
/** Buffers in use and kept for use together: 4 MiB. A thousand subscribers with 8 KiB each would fill many caches with more. */
const MAXIMUM_BUFFERS = 64

/**
 * Memory that is used again and again, for what goes out. Buffers live outside of V8's heap, and V8 collects the whole heap
 * when a few dozen MiB of them have come and gone: at 200 MB a second that was twenty times a second, and a tenth to a
 * third of the processor time.
 */
export class BufferPool {
  readonly #free: Buffer[] = []
  #inUse = 0
  readonly #all = new WeakSet<Uint8Array>()

  /** A buffer of `POOLED_BYTES`, whatever is in it, to be given back or let go of; undefined when too many are in use. */
  takeIfFree(): Buffer | undefined {
    return this.#inUse < MAXIMUM_BUFFERS ? this.take() : undefined
  }

  /** The same, also when many are in use. */
  take(): Buffer {
    this.#inUse += 1
    const free = this.#free.pop()
    if (free !== undefined) return free
    const buffer = Buffer.allocUnsafeSlow(POOLED_BYTES)
    this.#all.add(buffer)
    return buffer
  }

  /** Gives a buffer back that nobody reads any more. */
  give(buffer: Buffer): void {
    this.#inUse -= 1
    if (this.#free.length < MAXIMUM_BUFFERS) this.#free.push(buffer)
  }

  /** Leaves a buffer to the garbage collector: somebody may still read it. */
  letGo(): void {
    this.#inUse -= 1
  }

  /** Whether these bytes are a buffer of the pool, and will be overwritten some time. */
  owns(bytes: Uint8Array): boolean {
    return this.#all.has(bytes)
  }
}
