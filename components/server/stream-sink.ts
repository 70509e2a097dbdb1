import { Socket } from 'node:net'
import type { ByteStream } from '../../src/kinds/transport.ts'
import type { ByteSink, Written } from './byte-sink.ts'

/** Any stream, written to through its stream, which reports the error of a write by an event. */
export class StreamSink implements ByteSink {
  readonly #stream: ByteStream
  /**
   * A socket, also of TLS, has copied or sent what it reports as written. Any other stream without `copiesBytes` may have
   * passed it on as it is, to be read later, as a PassThrough does: it gets a copy of the bytes, since the memory here is used again.
   */
  readonly #copies: boolean

  constructor(stream: ByteStream) {
    this.#stream = stream
    this.#copies = !(stream instanceof Socket || stream.copiesBytes === true)
  }

  send(bytes: Uint8Array, written: Written): void {
    this.sendAll([bytes], written)
  }

  sendAll(pieces: readonly Uint8Array[], written: Written): void {
    const stream = this.#stream
    let isDone = false
    const done = (error?: Error | null): void => {
      if (isDone || error) return
      isDone = true
      written()
    }
    const last = pieces.length - 1
    stream.cork()
    for (const [index, piece] of pieces.entries()) {
      stream.write(this.#copies ? Buffer.from(piece) : piece, index === last ? done : undefined)
    }
    stream.uncork()
    // The stream calls back in a later tick, also when the operating system has taken everything.
    if (stream.writableLength === 0 && stream.errored === null) done()
  }
}
