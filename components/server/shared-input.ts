import type { Socket, SocketConstructorOpts } from 'node:net'
import type { BufferPool } from './buffer-pool.ts'
import type { EndOfTurn } from './end-of-turn.ts'
import { OwnReaders } from './own-readers.ts'
import { PatientSocket } from './patient-socket.ts'
import { ReadBuffer } from './read-buffer.ts'
import { type InputReader, type ReadOwner, type ReadsRecord, SocketReads, smallPart } from './socket-reads.ts'

/**
 * Has the sockets of all connections read into one piece of memory, one after the other (`ReadBuffer`). Node itself takes 64 KiB for
 * each read, gives most of it back, and leads the rest through a stream: without that, a read of a few packets costs the broker
 * a fifth to a quarter less (measured with 200 publishers).
 */
export class SharedInput {
  readonly #owner: ReadOwner

  constructor(pool: BufferPool, endOfTurn: EndOfTurn) {
    const buffer = new ReadBuffer(pool, endOfTurn)
    this.#owner = { buffer, small: smallPart(buffer), ownReaders: new OwnReaders(), pool, endOfTurn }
  }

  /** What the sockets read into, for the object that continues: Node has it for their next reads. */
  handOver(): Buffer {
    return this.#owner.buffer.memory
  }

  /** Continues for another object, whose sockets this one gets. */
  continueFrom(memory: Buffer): void {
    this.#owner.buffer.continueFrom(memory)
    this.#owner.small = smallPart(this.#owner.buffer)
  }

  /** Makes the socket of a connection that was just accepted. It does not read before it is adopted. @param handle Node's. */
  socketFor(handle: object): Socket {
    return new InputSocket(handle, this.#owner)
  }

  /**
   * Has a socket read into the shared memory, which only one made here can: Node offers that for sockets made with `onread`.
   * From any other socket the connection moves to one made here, by parts of the old one that are not documented but have been
   * there in every version of Node; where they are not, nothing is done.
   * @param accepted made by `socketFor`, or by a server with `pauseOnConnect`. Bytes that it has read and not passed on, as behind the
   * header of a proxy, are in `unread` of the result.
   * @param readFailed called when a read fails. The caller destroys the socket.
   * @returns the socket to use; undefined if it is the old one, with its `data` events.
   */
  adopt(accepted: object, reader: InputReader, readFailed: (error: Error) => void): AdoptedSocket | undefined {
    const isOurs = accepted instanceof InputSocket && accepted.reads.isOf(this.#owner)
    const socket = isOurs ? accepted : this.#moveSocket(accepted as Internals)
    if (socket === undefined) return undefined
    socket.reads.reader = reader
    socket.tell(readFailed)
    return socket
  }

  /** Has an adopted socket read for another connection, where it has read until now. */
  readFor({ readPort }: AdoptedSocket, reader: InputReader, handed: ReadsRecord): void {
    const reads = new SocketReads(this.#owner, handed)
    reads.reader = reader
    reads.socket = readPort.to.socket
    readPort.to = reads
  }

  /** Another object reads from now on: gives back the memory of this turn when it is over. */
  retire(): void {
    this.#owner.buffer.retire()
  }

  #moveSocket(old: Internals & Partial<Pick<Socket, 'read' | 'readableLength'>>): InputSocket | undefined {
    const handle = old._handle
    if (typeof handle?.useUserBuffer !== 'function' || !('_server' in old)) return undefined
    const unread = (old.readableLength ?? 0) > 0 ? (old.read?.() as Buffer | null) : null
    // It may have begun to read. Node begins again only where it knows that nothing is read.
    if (handle.reading) {
      handle.reading = false
      handle.readStop?.()
    }
    old._handle = null
    const socket = new InputSocket(handle, this.#owner)
    socket.unread = unread ?? undefined
    const moved = socket as unknown as Internals
    // The server counts its sockets when they are closed.
    moved._server = old._server
    moved.server = old.server
    old._server = null
    return socket
  }
}

/** A socket that reads into shared memory. */
export interface AdoptedSocket extends PatientSocket {
  /** Where Node's calls go. */
  readonly readPort: ReadPort
  /** The decoder of its connection is another one: the next read must not go to memory of the one before. */
  readAnew(): void
}

/** Looks up the current owner at each call: Node calls the same functions as long as the socket exists. */
export interface ReadPort {
  to: SocketReads
}

/** A socket that reads into shared memory. */
class InputSocket extends PatientSocket implements AdoptedSocket {
  readonly readPort: ReadPort

  constructor(handle: object, owner: ReadOwner) {
    // Node asks for memory at once.
    const port: ReadPort = { to: new SocketReads(owner) }
    super({ handle, allowHalfOpen: true, onread: portCallbacks(port), manualStart: true } as SocketConstructorOpts)
    this.readPort = port
    port.to.socket = this
  }

  get reads(): SocketReads {
    return this.readPort.to
  }

  readAnew(): void {
    this.reads.readAnew()
  }

  readInto(memory: Buffer): void {
    ;(this as unknown as Internals)._handle?.useUserBuffer?.(memory)
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    super._destroy(error, callback)
    this.reads.close()
  }
}

const portCallbacks = (port: ReadPort) => ({
  buffer: () => port.to.next(),
  callback: (length: number): boolean => {
    port.to.wasRead(length)
    return true
  },
})

interface Internals {
  _handle: { useUserBuffer?(memory: Buffer): void; readStop?(): void; reading?: boolean } | null
  _server: unknown
  server: unknown
}
