import { kept } from '../../src/collections/kept.ts'

/** The size of each buffer: as much as one read brings, and as one connection gathers before it sends. */
export const POOLED_BYTES = 64 * 1024
/**
 * The limit of optional buffers in use, and of free buffers: 4 MiB each. Slow peers may hold a buffer for long with as little
 * as 1 KiB in it.
 */
const MAXIMUM_BUFFERS = 64

/** The state of one pool. */
export interface Pool {
  readonly free: Use[]
  /** Optional buffers in use. */
  dispensable: number
  inUse: number
}

/** A buffer of a pool, and how many use it. */
interface Use {
  readonly pool: Pool
  readonly buffer: Buffer
  users: number
  /** Whether it counts as an optional buffer. */
  dispensable: boolean
}

/**
 * The buffers in use of all pools, by their memory: views of it are known, too, and so is what comes from the server of another
 * port over the same router. What is not given back is left to the garbage collector.
 */
const uses = kept('server.buffer-pool.uses', () => new WeakMap<ArrayBufferLike, Use>())

/**
 * Reusable memory for incoming and outgoing bytes. Buffers are outside V8's heap, and V8 collects the whole heap after a few
 * dozen MiB of them. At 200 MB/s that happened twenty times a second and took a tenth to a third of the CPU time.
 *
 * A buffer may have several users: the read into it and each write from it. It is free when the last user returns it.
 */
export class BufferPool {
  #pool: Pool = { free: [], dispensable: 0, inUse: 0 }

  /** Its state, for the object that continues. Both may use it: buffers that are in use come back to it. */
  handOver(): Pool {
    return this.#pool
  }

  /** Continues for another object, before anything is taken. */
  continueFrom(pool: Pool): void {
    this.#pool = pool
  }

  /** Buffers that were taken and not yet returned or abandoned. */
  get inUse(): number {
    return this.#pool.inUse
  }

  /** A buffer of `POOLED_BYTES` with any content, to be returned or abandoned. */
  take(): Buffer {
    return this.#take(false)
  }

  /** The same; undefined when many are in use this way. */
  takeIfFree(): Buffer | undefined {
    return this.#pool.dispensable < MAXIMUM_BUFFERS ? this.#take(true) : undefined
  }

  /**
   * Adds a user to the buffer that contains these bytes.
   * @returns the buffer, to be given back or abandoned; undefined when the bytes are no pool's, and will not change.
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

  /** Leaves a buffer to the garbage collector, because it may still be read for an unknown time. */
  abandon(buffer: Buffer): void {
    const use = uses.get(buffer.buffer)
    if (use !== undefined) forget(use)
  }

  /** Whether these bytes are in a buffer of any pool, and so will be overwritten later. */
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
