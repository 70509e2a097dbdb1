import type { BufferPool } from './buffer-pool.ts'
import type { EndOfTurn } from './end-of-turn.ts'
import type { OwnReader, OwnReaders } from './own-readers.ts'
import { READ_BYTES, type ReadBuffer } from './read-buffer.ts'

/**
 * How much the first read of a connection takes at most, and each one after a chunk that had to wait, in bytes. The rest of a
 * chunk that waits is copied and held: so connections that wait hold little, however many they are.
 */
const SMALL_READ_BYTES = 8 * 1024
/**
 * A connection that fills a read with bytes that are forwarded gets its own memory for this many reads, a new piece for each,
 * so that nothing has to be moved. Then it is examined again.
 */
const OWN_READS = 64
/** A read of fewer bytes ends that before. */
const OWN_UNTIL_BYTES = 16 * 1024

/** Takes the bytes that a connection reads. */
export interface InputReader {
  read(chunk: Buffer): void
  /** Whether a part of what was read waits. */
  readonly hasRest: boolean
  /** Memory that the next bytes are read into, instead of that of the server. Undefined: the memory of the server. */
  readBuffer(): Buffer | undefined
  /** Reports the number of bytes that were read into it. */
  bytesRead(length: number): void
}

/** What all connections that read into shared memory have in common. */
export interface ReadOwner {
  readonly buffer: ReadBuffer
  /** The beginning of its memory, for reads that are to be small. */
  small: Buffer
  readonly ownReaders: OwnReaders
  readonly pool: BufferPool
  readonly endOfTurn: EndOfTurn
}

/** The beginning of the shared memory, for reads that are to be small. */
export const smallPart = (buffer: ReadBuffer): Buffer => buffer.memory.subarray(0, SMALL_READ_BYTES)

/** A socket whose next read can be directed. */
export interface DirectedSocket {
  /** Sets the memory of the next read, which otherwise the end of a read does. Node remembers each, so this is for rare cases. */
  readInto(memory: Buffer): void
}

/** How a socket reads. */
export interface ReadsRecord {
  /** What the next read goes into, unless the decoder gave `readBuffer`. Node has it already. */
  readonly memory: Buffer
  readonly readBuffer: Buffer | undefined
  readonly ownReads: number
  /** Whether it may have memory of its own. */
  readonly hasOwn: boolean
  readonly isClosed: boolean
}

/** Chooses the memory of each read of a socket, and passes on the bytes that were read. */
export class SocketReads implements OwnReader {
  place = -1
  lastTurn = 0
  /** Set when the socket is adopted. */
  reader: InputReader | undefined
  /** Set when the socket is there. */
  socket: DirectedSocket | undefined
  readonly #owner: ReadOwner
  /** Memory of the next read, unless the decoder gave `#readBuffer`. */
  #memory: Buffer
  #readBuffer: Buffer | undefined
  #ownReads = 0
  #isClosed = false

  /** @param handed the state of the object that it continues for. */
  constructor(owner: ReadOwner, handed?: ReadsRecord) {
    this.#owner = owner
    this.#memory = handed?.memory ?? owner.small
    if (handed === undefined) return
    this.#readBuffer = handed.readBuffer
    this.#ownReads = handed.ownReads
    this.#isClosed = handed.isClosed
    if (handed.hasOwn) owner.ownReaders.mayHave(this, owner.endOfTurn.turn)
  }

  handOver(): ReadsRecord {
    return {
      memory: this.#memory,
      readBuffer: this.#readBuffer,
      ownReads: this.#ownReads,
      hasOwn: this.place >= 0,
      isClosed: this.#isClosed,
    }
  }

  /** Whether it reads into the memory of this owner. */
  isOf(owner: ReadOwner): boolean {
    return this.#owner === owner
  }

  /** What the next read goes into. */
  next(): Buffer {
    return this.#readBuffer ?? this.#memory
  }

  /** So many bytes were read into what `next` returned. */
  wasRead(length: number): void {
    const reader = this.reader!
    if (this.#readBuffer !== undefined) reader.bytesRead(length)
    else this.#pass(length, reader)
    this.#readBuffer = reader.readBuffer()
  }

  /** The decoder is another one: asks it where the next read goes, if the one before had given memory for it. */
  readAnew(): void {
    if (this.#readBuffer === undefined) return
    this.#readBuffer = this.reader!.readBuffer()
    this.socket?.readInto(this.next())
  }

  giveBack(): void {
    this.#leaveOwn()
    if (this.#readBuffer === undefined) this.socket?.readInto(this.#memory)
  }

  /** The socket is closed. */
  close(): void {
    this.#isClosed = true
    if (this.place < 0) return
    this.#owner.ownReaders.leave(this)
    this.#leaveOwn()
  }

  #leaveOwn(): void {
    this.#owner.pool.give(this.#memory)
    this.#memory = this.#owner.buffer.memory
    this.#ownReads = 0
  }

  #pass(length: number, reader: InputReader): void {
    const { buffer, small, ownReaders, pool, endOfTurn } = this.#owner
    const memory = this.#memory
    const chunk = memory === buffer.memory ? buffer.view(length) : memory.subarray(0, length)
    if (this.#ownReads > 0) {
      this.#ownReads = length < OWN_UNTIL_BYTES ? 0 : this.#ownReads - 1
      buffer.useInThisTurn(memory)
      // It is given back from there: the connection may be closed in the middle of this.
      this.#memory = buffer.memory
      reader.read(chunk)
    } else if (buffer.pass(chunk, reader) && length === READ_BYTES) this.#ownReads = OWN_READS
    if (this.#ownReads > 0 && (this.#isClosed || !ownReaders.mayHave(this, endOfTurn.turn))) this.#ownReads = 0
    if (this.#ownReads > 0) this.#memory = pool.take()
    else {
      ownReaders.leave(this)
      this.#memory = reader.hasRest ? small : buffer.memory
    }
  }
}
