import { Socket } from 'node:net'
import type { ByteSink, Written } from './byte-sink.ts'

/**
 * A socket that is still read when a write has failed, and that is written to past its stream.
 *
 * Node destroys a socket at the first write that fails. But a peer may have sent more before it closed: on Linux these bytes
 * can still be read after the connection was reset. A write past the stream reports its error only to its caller, which reads
 * to the end and then destroys the socket.
 *
 * The stream of a socket queues writes, counts them, and ends each in a tick of its own. A connection that writes once in a
 * turn of the event loop, and counts what is under way, needs nothing of that. It was a tenth of the time of a broker with one
 * message in each turn of a connection (`sparse-1k`). `end` is still the stream's: the operating system gets it after all
 * writes.
 */
export class PatientSocket extends Socket implements ByteSink {
  /** Bytes that were read before the connection had it. */
  unread: Buffer | undefined
  #lost: (error: Error) => void = () => undefined
  #isLost = false

  /**
   * Sets the function that is called when a read has failed. Call it before anything is read.
   * @param lost called at most once, with the error of a read. The owner destroys the socket later, within the budget of a
   * turn: thousands of connections may be reset at once.
   */
  tell(lost: (error: Error) => void): void {
    this.#lost = lost
  }

  override destroy(error?: NodeJS.ErrnoException): this {
    if (this.#isLost || error?.syscall !== 'read') return super.destroy(error)
    this.#isLost = true
    this.#lost(error)
    return this
  }

  send(bytes: Uint8Array, written: Written): void {
    super._write(bytes, BYTES, written)
  }

  sendAll(pieces: readonly Uint8Array[], written: Written): void {
    const chunks = pieces.map((chunk) => ({ chunk, encoding: BYTES }))
    super._writev?.(Object.assign(chunks, { allBuffers: true }), written)
  }
}

/** The encoding that Node gives to chunks that are bytes. */
const BYTES = 'buffer' as BufferEncoding
