import type { ByteStream } from '../../src/kinds/transport.ts'
import type { Written } from './byte-sink.ts'

/** Takes the events of a stream. */
export interface StreamUser {
  /** Bytes arrived. They never change. */
  bytes(chunk: Buffer): void
  /** The operating system took what one write held, or never will. */
  written(error?: Error | null): void
  /** A read has failed, and the stream was not destroyed for it. */
  readFailed(error: Error): void
  streamFailed(error: Error): void
  streamEnded(): void
  streamClosed(): void
}

/**
 * Stands between a stream and its connection: Node keeps the functions that it was given for as long as the stream lives, and
 * each of them is one line that calls the current owner.
 */
export class StreamPort {
  to: StreamUser

  constructor(to: StreamUser) {
    this.to = to
  }

  readonly written: Written = (error) => this.to.written(error)
  readonly readFailed = (error: Error): void => this.to.readFailed(error)

  /** Reports errors and the end of the stream from now on. */
  listen(stream: ByteStream): void {
    stream.on('error', (error) => this.to.streamFailed(error))
    stream.on('close', () => this.to.streamClosed())
    stream.on('end', () => this.to.streamEnded())
  }

  /** Starts the flow of the stream. */
  read(stream: ByteStream): void {
    stream.on('data', (chunk) => this.to.bytes(chunk))
  }
}
