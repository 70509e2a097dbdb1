import type { Duplex } from 'node:stream'
import type { Handshake } from '../../src/network/handshakes.ts'
import { type HttpRequest, parseRequest } from './http-request.ts'

/** Takes what a connection begins with. */
export interface RequestUser {
  /** @param rest what came behind the request. The stream is paused. */
  requested(handshake: Handshake, request: HttpRequest, rest: Buffer): void
  malformed(handshake: Handshake, status: 400 | 431, message: string): void
}

const END = '\r\n\r\n'
/** A request begins with its method: other protocols are refused at their first byte. */
const FIRST_LETTERS = /^[A-Z]/

/**
 * A connection whose request is not complete. One request is read, and no bytes after it: the parser of `node:http` would handle all
 * requests that a peer sends at once, also after the first one was refused.
 */
export class PendingRequest {
  readonly #handshake: Handshake
  readonly #stream: Duplex
  readonly #maximumBytes: number
  readonly #user: RequestUser
  #bytes: Buffer = Buffer.alloc(0)

  /** @param maximumBytes of the request with its headers. */
  constructor(handshake: Handshake, maximumBytes: number, user: RequestUser) {
    this.#handshake = handshake
    this.#stream = handshake.stream
    this.#maximumBytes = maximumBytes
    this.#user = user
    this.#stream.on('data', this.#read)
    this.#stream.on('end', this.#ended)
    this.#stream.resume()
  }

  readonly #read = (chunk: Buffer): void => {
    if (this.#handshake.isOver) return
    // The end may be in two chunks.
    const from = Math.max(this.#bytes.length - END.length, 0)
    const bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    this.#bytes = bytes
    const end = bytes.subarray(0, this.#maximumBytes).indexOf(END, from, 'latin1')
    if (end >= 0) {
      this.#stop()
      const request = parseRequest(bytes.toString('latin1', 0, end))
      if (request === undefined) this.#user.malformed(this.#handshake, 400, 'This is no HTTP request.')
      else this.#user.requested(this.#handshake, request, bytes.subarray(end + END.length))
    } else if (!FIRST_LETTERS.test(bytes.toString('latin1', 0, 1))) {
      this.#stop()
      this.#user.malformed(this.#handshake, 400, 'This is no HTTP request.')
    } else if (bytes.length >= this.#maximumBytes) {
      this.#stop()
      this.#user.malformed(this.#handshake, 431, 'The headers are too large.')
    }
  }

  /** The peer has closed its side. The stream itself is half open. */
  readonly #ended = (): void => this.#handshake.fail('closed', 'the connection ended within the HTTP request')

  #stop(): void {
    this.#stream.removeListener('data', this.#read)
    this.#stream.removeListener('end', this.#ended)
    this.#stream.pause()
  }
}
