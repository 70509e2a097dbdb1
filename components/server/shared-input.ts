import type { Socket, SocketConstructorOpts } from 'node:net'
import type { Borrower, Lender } from '../../src/mqtt/lender.ts'
import { type BufferPool, POOLED_BYTES } from './buffer-pool.ts'
import type { EndOfTurn, TurnEnd } from './end-of-turn.ts'
import { type OwnReader, OwnReaders } from './own-readers.ts'
import { PatientSocket } from './patient-socket.ts'

/** How much one read takes at most, in bytes: as much as Node's own. */
const READ_BYTES = POOLED_BYTES
/**
 * How much the first read of a connection takes at most, and each one after a chunk that had to wait, in bytes. The rest of a
 * chunk that waits is copied and held: so connections that wait hold little, however many they are.
 */
const SMALL_READ_BYTES = 8 * 1024
/** Views of so many bytes at most are kept, one of each length. */
const VIEW_BYTES = 1024
/**
 * Who sends so much that a read is full, and has it forwarded from there, gets memory of its own for so many reads, another
 * for each, so that nothing has to be moved; then it is looked at again.
 */
const OWN_READS = 64
/** A read of fewer bytes ends that before. */
const OWN_UNTIL_BYTES = 16 * 1024

/** What one connection does with what it reads. */
export interface InputReader {
  /** @param lender who changes the bytes before the turn of the event loop ends, if anybody does. */
  read(chunk: Buffer, lender?: Lender): void
  /** Whether a part of what was read waits. */
  readonly hasRest: boolean
  /** Memory that the next bytes are to be read into, instead of that of the server. */
  room(): Buffer | undefined
  /** So many bytes were read into it. */
  filled(length: number): void
}

/**
 * One piece of memory that all connections read into, one after the other. Node itself takes 64 KiB for each read, gives most
 * of it back, and leads the rest through a stream: without that, a read of a few packets costs the broker a fifth to a
 * quarter less (measured with 200 publishers). What is forwarded and not yet sent when a read ends is moved to memory of its
 * own, with one copy for all who forward it.
 */
export class SharedInput implements Lender, TurnEnd {
  readonly #memory = Buffer.allocUnsafeSlow(READ_BYTES)
  readonly #smallMemory = this.#memory.subarray(0, SMALL_READ_BYTES)
  /** What was read last, until the stages have had it. */
  #chunk: Buffer | undefined
  readonly #borrowers: Borrower[] = []
  /** What chunks of this turn of the event loop are moved to, one behind the other. */
  #arena: Buffer | undefined
  #arenaUsed = 0
  /** Where it was moved to, and by how much. */
  #movedTo: Buffer | undefined
  #movedBy = 0
  /** Views of the beginning of the memory, by their length: nearly all that is read under sparse load is short. */
  readonly #views: Buffer[] = []
  /** The turn of `#used` is over. */
  #isOver = false
  readonly #ownReaders = new OwnReaders()
  readonly #pool: BufferPool
  readonly #endOfTurn: EndOfTurn
  /** Memory of the pool that bytes were read into or moved to in this turn of the event loop. */
  readonly #used: Buffer[] = []

  constructor(pool: BufferPool, endOfTurn: EndOfTurn) {
    this.#pool = pool
    this.#endOfTurn = endOfTurn
  }

  /** Makes the socket of a connection that was just accepted. It does not read before it is adopted. @param handle Node's. */
  socketFor(handle: object): Socket {
    return new InputSocket(handle, this, this.#reads())
  }

  /**
   * Has a socket read into the shared memory, which only one made here can: Node offers that for sockets made with `onread`.
   * From any other socket the connection moves to one made here, by parts of the old one that are not documented but have been
   * there in every version of Node; where they are not, nothing is done.
   * @param accepted does not read yet: made by `socketFor`, or by a server with `pauseOnConnect`.
   * @param readFailed called when a read fails. The caller destroys the socket.
   * @returns the socket to go on with; undefined when it is the old one, with its `data` events.
   */
  adopt(accepted: Socket, reader: InputReader, readFailed: (error: Error) => void): PatientSocket | undefined {
    const socket = accepted instanceof InputSocket && accepted.input === this ? accepted : this.#moveSocket(accepted)
    if (socket === undefined) return undefined
    socket.reads.reader = reader
    socket.tell(readFailed)
    return socket
  }

  #moveSocket(accepted: Socket): InputSocket | undefined {
    const old = accepted as unknown as Internals
    const handle = old._handle
    if (typeof handle?.useUserBuffer !== 'function' || !('_server' in old)) return undefined
    old._handle = null
    const socket = new InputSocket(handle, this, this.#reads())
    const moved = socket as unknown as Internals
    // The server counts its sockets when they are closed.
    moved._server = old._server
    moved.server = old.server
    old._server = null
    return socket
  }

  lend(borrower: Borrower): void {
    this.#borrowers.push(borrower)
  }

  /** Moves what was lent so far to memory that stays as it is until the turn of the event loop has ended. */
  settle(): void {
    if (this.#borrowers.length === 0 || this.#chunk === undefined) return
    const movedTo = this.#movedTo ?? this.#move(this.#chunk)
    let borrower = this.#borrowers.pop()
    while (borrower !== undefined) {
      borrower.moved(this.#chunk, movedTo, this.#movedBy)
      borrower = this.#borrowers.pop()
    }
  }

  /** One copy of a chunk serves all who borrow from it, at whatever time. */
  #move(chunk: Buffer): Buffer {
    let arena = this.#isOver ? undefined : this.#arena
    if (arena === undefined || this.#arenaUsed + chunk.length > POOLED_BYTES) {
      if (this.#isOver) this.#giveBack()
      arena = this.#pool.take()
      this.#useInThisTurn(arena)
      this.#arena = arena
      this.#arenaUsed = 0
    }
    arena.set(chunk, this.#arenaUsed)
    this.#movedTo = arena
    this.#movedBy = this.#arenaUsed
    this.#arenaUsed += chunk.length
    return arena
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
    let memory = this.#used.pop()
    while (memory !== undefined) {
      this.#pool.give(memory)
      memory = this.#used.pop()
    }
  }

  #useInThisTurn(memory: Buffer): void {
    if (this.#isOver) this.#giveBack()
    if (this.#used.push(memory) === 1) this.#endOfTurn.addLast(this)
  }

  #reads(): Reads {
    let memory: Buffer = this.#smallMemory
    let room: Buffer | undefined
    let ownReads = 0
    let isClosed = false
    const reads: Reads = {
      reader: undefined,
      socket: undefined,
      place: -1,
      lastTurn: 0,
      giveBack: () => {
        this.#pool.give(memory)
        memory = this.#memory
        ownReads = 0
        if (room === undefined) reads.socket?.readInto(memory)
      },
      close: () => {
        isClosed = true
        if (reads.place < 0) return
        this.#ownReaders.leave(reads)
        this.#pool.give(memory)
        memory = this.#memory
        ownReads = 0
      },
      buffer: () => room ?? memory,
      callback: (length: number): boolean => {
        const reader = reads.reader!
        if (room !== undefined) reader.filled(length)
        else {
          const chunk = memory === this.#memory ? this.#viewOf(length) : memory.subarray(0, length)
          if (ownReads > 0) {
            ownReads = length < OWN_UNTIL_BYTES ? 0 : ownReads - 1
            this.#useInThisTurn(memory)
            // It is given back from there: the connection may be closed in the middle of this.
            memory = this.#memory
            reader.read(chunk)
          } else if (this.#readLent(chunk, reader) && length === READ_BYTES) ownReads = OWN_READS
          if (ownReads > 0 && (isClosed || !this.#ownReaders.mayHave(reads, this.#endOfTurn.turn))) ownReads = 0
          if (ownReads > 0) memory = this.#pool.take()
          else {
            this.#ownReaders.leave(reads)
            memory = reader.hasRest ? this.#smallMemory : this.#memory
          }
        }
        room = reader.room()
        return true
      },
    }
    return reads
  }

  #viewOf(length: number): Buffer {
    if (length > VIEW_BYTES) return this.#memory.subarray(0, length)
    this.#views[length] ??= this.#memory.subarray(0, length)
    return this.#views[length]
  }

  /** @returns whether some of it had to be moved. */
  #readLent(chunk: Buffer, reader: InputReader): boolean {
    this.#chunk = chunk
    this.#movedTo = undefined
    try {
      reader.read(chunk, this)
    } finally {
      this.settle()
      this.#chunk = undefined
    }
    return this.#movedTo !== undefined
  }
}

/** What Node calls for each read of a socket, and who gets what was read. */
interface Reads extends OwnReader {
  /** Set when the socket is adopted. */
  reader: InputReader | undefined
  socket: InputSocket | undefined
  /** The socket is closed. */
  close(): void
  readonly buffer: () => Buffer
  readonly callback: (length: number) => boolean
}

/** A socket that reads into the memory of an input. */
class InputSocket extends PatientSocket {
  readonly input: SharedInput
  readonly reads: Reads

  constructor(handle: object, input: SharedInput, reads: Reads) {
    super({ handle, allowHalfOpen: true, onread: reads, manualStart: true } as SocketConstructorOpts)
    this.input = input
    this.reads = reads
    reads.socket = this
  }

  /** Sets the memory of the next read, which otherwise the end of a read does. Node remembers each, so this is for rare cases. */
  readInto(memory: Buffer): void {
    ;(this as unknown as Internals)._handle?.useUserBuffer?.(memory)
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    super._destroy(error, callback)
    this.reads.close()
  }
}

interface Internals {
  _handle: { useUserBuffer?(memory: Buffer): void } | null
  _server: unknown
  server: unknown
}
