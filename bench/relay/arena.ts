import { Socket } from 'node:net'

const READ_BYTES = 65_536
/** The memory for what is read in one turn of the event loop. A turn that brings more takes another arena. */
const ARENA_BYTES = 1_048_576
/** Up to so many bytes of an incomplete packet are copied out of the arena. */
const COPIED_BYTES = 16_384

interface Internals {
  _handle: object | null
}

/**
 * What all sockets of the relay read into: one buffer, from which each chunk is copied behind the one before. The arena is
 * used again in the next turn when the operating system has taken everything that was written from it.
 */
export class Arena {
  readonly #input = Buffer.allocUnsafeSlow(READ_BYTES)
  #arena = Buffer.allocUnsafeSlow(ARENA_BYTES)
  #used = 0
  #isHeld = false

  /**
   * Has a connection read into the arena. Node offers that for sockets that are made with `onread`, so the connection moves to
   * another Socket, which is not documented.
   * @param read takes each chunk, which stays as it is until the end of the turn.
   */
  adopt(accepted: Socket, read: (chunk: Buffer) => void): Socket {
    const old = accepted as unknown as Internals
    const handle = old._handle
    old._handle = null
    const callback = (length: number): boolean => {
      read(this.#keep(length))
      return true
    }
    return new Socket({ handle, onread: { buffer: this.#input, callback } } as object)
  }

  /** @param allTaken whether nothing that was written in this turn waits in a socket. */
  endTurn(allTaken: boolean): void {
    if (!allTaken || this.#isHeld) this.#arena = Buffer.allocUnsafeSlow(ARENA_BYTES)
    this.#used = 0
    this.#isHeld = false
  }

  /** The same bytes in memory that lasts: a small part is copied, a large one keeps the arena. */
  hold(bytes: Buffer): Buffer {
    if (bytes.length <= COPIED_BYTES) return Buffer.from(bytes)
    this.#isHeld = true
    return bytes
  }

  #keep(length: number): Buffer {
    if (this.#used + length > ARENA_BYTES) {
      this.#arena = Buffer.allocUnsafeSlow(ARENA_BYTES)
      this.#used = 0
    }
    const start = this.#used
    this.#used += length
    this.#arena.set(length === READ_BYTES ? this.#input : this.#input.subarray(0, length), start)
    return this.#arena.subarray(start, this.#used)
  }
}
