import { Socket } from 'node:net'

type Callback = (error?: Error | null) => void

/**
 * A socket that is still read when a write has failed.
 *
 * Node destroys a socket at the first write that fails. But a peer may have sent more before it closed: on Linux these bytes
 * can still be read after the connection was reset. So this socket does not report the failed write to its stream, which then
 * holds back all later writes, and calls `failed` instead. The owner reads on until the end, and then destroys the socket.
 */
export class PatientSocket extends Socket {
  readonly #failed: (error: Error) => void
  readonly #lost: (error: Error) => void
  #isLost = false
  /** Of the write under way: a stream begins a write when the last one has ended. */
  #callback: Callback = () => undefined

  /**
   * @param options as for `Socket`.
   * @param failed called at most once, with the error of the write. Later writes have no effect.
   * @param lost called at most once, with the error of a read. The owner destroys the socket when there is time for it:
   * thousands of connections may be reset at once.
   */
  constructor(options: object, failed: (error: Error) => void, lost: (error: Error) => void) {
    super(options)
    this.#failed = failed
    this.#lost = lost
  }

  override destroy(error?: NodeJS.ErrnoException): this {
    if (this.#isLost || error?.syscall !== 'read') return super.destroy(error)
    this.#isLost = true
    this.#lost(error)
    return this
  }

  override _write(chunk: unknown, encoding: BufferEncoding, callback: Callback): void {
    this.#callback = callback
    super._write(chunk, encoding, this.#written)
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], callback: Callback): void {
    this.#callback = callback
    super._writev?.(chunks, this.#written)
  }

  readonly #written: Callback = (error) => {
    if (error && !this.destroyed) this.#failed(error)
    else this.#callback(error)
  }
}
