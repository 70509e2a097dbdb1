import { kept } from '../../src/collections/kept.ts'
import { type BufferPool, POOLED_BYTES } from './buffer-pool.ts'
import type { EndOfTurn, TurnEnd } from './end-of-turn.ts'

/** How much one read takes at most, in bytes: as much as Node's own. */
export const READ_BYTES = POOLED_BYTES
/** Views of so many bytes at most are kept, one of each length. */
const VIEW_BYTES = 1024

/** The read under way, if there is one. */
interface CurrentRead {
  /** The bytes that were read. The next read overwrites them. */
  chunk: Uint8Array | undefined
  buffer: ReadBuffer | undefined
}

/**
 * There is one for all servers of the process: connections of one server are sent what another server reads. It is set while the
 * stages have a chunk, which is one synchronous call, so it never crosses a reload.
 */
export const currentRead = kept('server.current-read', (): CurrentRead => ({ chunk: undefined, buffer: undefined }))

/**
 * One piece of memory that all connections read into, one after the other. What is forwarded of a chunk is sent when the turn of the
 * event loop ends, and the memory may hold other bytes by then. So the first connection that is sent a part of a chunk moves the
 * chunk to memory that stays as it is until then (`stay`): one copy for all connections that are sent something of it.
 */
export class ReadBuffer implements TurnEnd {
  memory: Buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  /** Where the chunk begins in the memory that `stay` returned. */
  offset = 0
  #stays: Buffer | undefined
  /** What chunks of this turn of the event loop are moved to, one behind the other. */
  #arena: Buffer | undefined
  #arenaUsed = 0
  /** Views of the beginning of the memory, by their length: nearly all that is read under sparse load is short. */
  readonly #views: Buffer[] = []
  readonly #pool: BufferPool
  readonly #endOfTurn: EndOfTurn
  /** Memory of the pool that bytes were read into or moved to in this turn of the event loop. */
  readonly #used: Buffer[] = []
  /** The turn of `#used` is over. */
  #isOver = false

  constructor(pool: BufferPool, endOfTurn: EndOfTurn) {
    this.#pool = pool
    this.#endOfTurn = endOfTurn
  }

  /** Continues for another object, before anything is read: with its memory, which Node has for the next reads. */
  continueFrom(memory: Buffer): void {
    if (memory.length === READ_BYTES) this.memory = memory
  }

  /**
   * Another object reads into the memory from now on. What was forwarded in this turn may still be sent in it, by connections of other
   * servers.
   */
  retire(): void {
    setImmediate(() => this.#giveBack())
  }

  /** The first bytes of the memory, as a view. */
  view(length: number): Buffer {
    if (length > VIEW_BYTES) return this.memory.subarray(0, length)
    this.#views[length] ??= this.memory.subarray(0, length)
    return this.#views[length]
  }

  /** Calls the handler of a chunk in the memory. @returns whether a part of it was forwarded, and so the chunk was moved. */
  pass(chunk: Buffer, reader: { read(chunk: Buffer): void }): boolean {
    this.#stays = undefined
    currentRead.buffer = this
    currentRead.chunk = chunk
    try {
      reader.read(chunk)
    } finally {
      currentRead.chunk = undefined
    }
    return this.#stays !== undefined
  }

  /** Moves the chunk that is handled, once. @returns where it is until the turn of the event loop ends, from `offset` on. */
  stay(): Buffer {
    return this.#stays ?? this.#move(currentRead.chunk!)
  }

  #move(chunk: Uint8Array): Buffer {
    if (this.#isOver) this.#giveBack()
    let arena = this.#arena
    if (arena === undefined || this.#arenaUsed + chunk.length > POOLED_BYTES) {
      arena = this.#pool.take()
      this.useInThisTurn(arena)
      this.#arena = arena
      this.#arenaUsed = 0
    }
    arena.set(chunk, this.#arenaUsed)
    this.#stays = arena
    this.offset = this.#arenaUsed
    this.#arenaUsed += chunk.length
    return arena
  }

  /** Memory of the pool that something is forwarded from: it is given back when the turn of the event loop is over. */
  useInThisTurn(memory: Buffer): void {
    if (this.#isOver) this.#giveBack()
    if (this.#used.push(memory) === 1) this.#endOfTurn.addLast(this)
  }

  /**
   * All that was forwarded was given to the sockets, which hold what they send from there. Connections of other servers end their
   * turn in this phase of the event loop, too, maybe after this: the memory is given back when something is read again.
   */
  endTurn(): void {
    this.#isOver = true
  }

  #giveBack(): void {
    this.#isOver = false
    // It is given back, too, and may be used for something else from now on.
    this.#arena = undefined
    let memory = this.#used.pop()
    while (memory !== undefined) {
      this.#pool.give(memory)
      memory = this.#used.pop()
    }
  }
}
