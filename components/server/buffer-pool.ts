/** The size of each buffer: as much as one read brings, and as one connection gathers before it sends. */
export const POOLED_BYTES = 64 * 1024
/**
 * Buffers in use by those who can do without, and kept for use, each: 4 MiB. Those who hold one for long are slow peers, which
 * may have as little as 1 KiB in it.
 */
const MAXIMUM_BUFFERS = 64

/** Who uses a buffer of the pool. */
interface Use {
  readonly pool: BufferPool
  readonly buffer: Buffer
  users: number
  /** It counts as one for those who can do without. */
  dispensable: boolean
}

/**
 * The buffers in use of all pools, by their memory: views of it are known, too, and so is what comes from the server of another
 * port over the same router. What nobody gives back is the garbage collector's.
 */
const USES = new WeakMap<ArrayBufferLike, Use>()

/**
 * Memory that is used again and again, for what comes in and for what goes out. Buffers live outside of V8's heap, and V8
 * collects the whole heap when a few dozen MiB of them have come and gone: at 200 MB a second that was twenty times a second,
 * and a tenth to a third of the processor time.
 *
 * A buffer may have several users: who reads into it, and every write from it. It is free when the last gives it back.
 */
export class BufferPool {
  readonly #free: Use[] = []
  #dispensable = 0
  #inUse = 0

  /** Buffers that were taken, and neither given back nor let go of. */
  get inUse(): number {
    return this.#inUse
  }

  /** A buffer of `POOLED_BYTES`, whatever is in it, to be given back or let go of. */
  take(): Buffer {
    return this.#take(false)
  }

  /** The same; undefined when many are in use this way. */
  takeIfFree(): Buffer | undefined {
    return this.#dispensable < MAXIMUM_BUFFERS ? this.#take(true) : undefined
  }

  /**
   * Has one more user for the buffer that these bytes lie in.
   * @returns the buffer, to be given back or let go of; undefined when the bytes are no pool's, and will not change.
   */
  hold(bytes: Uint8Array): Buffer | undefined {
    const use = USES.get(bytes.buffer)
    if (use === undefined) return undefined
    use.users += 1
    return use.buffer
  }

  /** Takes a buffer back from one of its users, who reads it no more. */
  give(buffer: Buffer): void {
    const use = USES.get(buffer.buffer)
    if (use === undefined) return
    use.users -= 1
    if (use.users > 0) return
    use.pool.#forget(use)
    if (use.pool.#free.length < MAXIMUM_BUFFERS) use.pool.#free.push(use)
  }

  /** Leaves a buffer to the garbage collector: somebody may still read it, who does not say when that ends. */
  letGo(buffer: Buffer): void {
    const use = USES.get(buffer.buffer)
    if (use !== undefined) use.pool.#forget(use)
  }

  /** Whether these bytes lie in a buffer of any pool, and will be overwritten some time. */
  owns(bytes: Uint8Array): boolean {
    return USES.has(bytes.buffer)
  }

  #take(dispensable: boolean): Buffer {
    const use = this.#free.pop() ?? { pool: this, buffer: Buffer.allocUnsafeSlow(POOLED_BYTES), users: 1, dispensable }
    use.users = 1
    use.dispensable = dispensable
    this.#inUse += 1
    if (dispensable) this.#dispensable += 1
    USES.set(use.buffer.buffer, use)
    return use.buffer
  }

  #forget(use: Use): void {
    USES.delete(use.buffer.buffer)
    this.#inUse -= 1
    if (use.dispensable) this.#dispensable -= 1
  }
}
