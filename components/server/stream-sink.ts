import type { Socket } from 'node:net'
import type { ByteSink, Written } from './byte-sink.ts'

/** Any socket, written to through its stream, which reports the error of a write by an event. */
export class StreamSink implements ByteSink {
  readonly #socket: Socket

  constructor(socket: Socket) {
    this.#socket = socket
  }

  send(bytes: Uint8Array, written: Written): void {
    this.sendAll([bytes], written)
  }

  sendAll(pieces: readonly Uint8Array[], written: Written): void {
    const socket = this.#socket
    let isDone = false
    const done = (error?: Error | null): void => {
      if (isDone || error) return
      isDone = true
      written()
    }
    const last = pieces.length - 1
    socket.cork()
    for (const [index, piece] of pieces.entries()) socket.write(piece, index === last ? done : undefined)
    socket.uncork()
    // The stream calls back in a later tick, also when the operating system has taken everything.
    if (socket.writableLength === 0 && socket.errored === null) done()
  }
}
