import { kept } from '../../src/collections/kept.ts'

/** The size of each buffer: as much as one read brings, and as one connection gathers before it sends. */
export const POOLED_BYTES = 64 * 1024
/**
 * Buffers in use by those who can do without, and kept for use, each: 4 MiB. Those who hold one for long are slow peers, which
 * may have as little as 1 KiB in it.
 */
const MAXIMUM_BUFFERS = 64

/** The state of one pool. */
interface Pool {
  readonly free: Use[]
  /** Buffers in use by those who can do without. */
  dispensable: number
  inUse: number
}

/** A buffer of a pool, and how many use it. */
interface Use {
  readonly pool: Pool
  readonly buffer: Buffer
  users: number
  /** It counts as one for those who can do without. */
  dispensable: boolean
}

/**
 * The buffers in use of all pools, by their memory: views of it are known, too, and so is what comes from the server of another
 * port over the same router. What is not given back is left to the garbage collector.
 */
const uses = kept('server.buffer-pool.uses', () => new WeakMap<ArrayBufferLike, Use>())

/**
 * Memory that is used again and again, for what comes in and for what goes out. Buffers live outside of V8's heap, and V8
 * collects the whole heap when a few dozen MiB of them have come and gone: at 200 MB a second that was twenty times a second,
 * and a tenth to a third of the processor time.
 *
 * A buffer may have several users: who reads into it, and every write from it. It is free when the last gives it back.
 */
export class BufferPool {
  readonly #pool: Pool = { free: [], dispensable: 0, inUse: 0 }

  /** Buffers that were taken, and neither given back nor let go of. */
  get inUse(): number {
    return this.#pool.inUse
  }

  /** A buffer of `POOLED_BYTES`, whatever is in it, to be given back or let go of. */
  take(): Buffer {
    return this.#take(false)
  }

  /** The same; undefined when many are in use this way. */
  takeIfFree(): Buffer | undefined {
    return this.#pool.dispensable < MAXIMUM_BUFFERS ? this.#take(true) : undefined
  }

  /**
   * Has one more user for the buffer that these bytes lie in.
   * @returns the buffer, to be given back or let go of; undefined when the bytes are no pool's, and will not change.
   */
  hold(bytes: Uint8Array): Buffer | undefined {
    const use = uses.get(bytes.buffer)
    if (use === undefined) return undefined
    use.users += 1
    return use.buffer
  }

  /** Takes a buffer back from one of its users, which reads it no more. */
  give(buffer: Buffer): void {
    const use = uses.get(buffer.buffer)
    if (use === undefined) return
    use.users -= 1
    if (use.users > 0) return
    forget(use)
    if (use.pool.free.length < MAXIMUM_BUFFERS) use.pool.free.push(use)
  }

  /** Leaves a buffer to the garbage collector: somebody may still read it, who does not say when that ends. */
  letGo(buffer: Buffer): void {
    const use = uses.get(buffer.buffer)
    if (use !== undefined) forget(use)
  }

  /** Whether these bytes lie in a buffer of any pool, and will be overwritten some time. */
  owns(bytes: Uint8Array): boolean {
    return uses.has(bytes.buffer)
  }

  #take(dispensable: boolean): Buffer {
    const pool = this.#pool
    const use = pool.free.pop() ?? { pool, buffer: Buffer.allocUnsafeSlow(POOLED_BYTES), users: 1, dispensable }
    use.users = 1
    use.dispensable = dispensable
    pool.inUse += 1
    if (dispensable) pool.dispensable += 1
    uses.set(use.buffer.buffer, use)
    return use.buffer
  }
}

const forget = (use: Use): void => {
  uses.delete(use.buffer.buffer)
  use.pool.inUse -= 1
  if (use.dispensable) use.pool.dispensable -= 1
}
