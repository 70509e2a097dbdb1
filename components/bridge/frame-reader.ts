import { OVERLONG, TRUNCATED } from '../../src/mqtt/packet-reader.ts'

/** A whole packet: its first byte, and where its body lies. */
export interface Frame {
  readonly firstByte: number
  readonly bytes: Buffer
  /** Where its fixed header begins. */
  readonly headerStart: number
  /** Where its body begins. */
  readonly start: number
  readonly end: number
}

const EMPTY = Buffer.alloc(0)

/** The longest fixed header. */
const HEADER_BYTES = 5

/** Cuts the bytes of a connection into packets. Each chunk is copied at most once, however a packet is divided into chunks. */
export class FrameReader {
  readonly #maximumSize: number
  #bytes: Buffer = EMPTY
  #at = 0
  /** Chunks behind `#bytes`. */
  #more: Buffer[] = []
  #moreBytes = 0
  /** As many bytes are needed for a next step. */
  #needed = 2

  /** @param maximumSize of a packet, in bytes. */
  constructor(maximumSize: number) {
    this.#maximumSize = maximumSize
  }

  /** Bytes that were not taken yet. */
  get pending(): number {
    return this.#bytes.length - this.#at + this.#moreBytes
  }

  /** Whether `next` has something to look at: otherwise the rest of a packet has to come first. */
  get isComplete(): boolean {
    return this.pending >= this.#needed
  }

  /** The first byte of the next packet, which may not be complete; undefined if nothing has come of it. */
  get firstByte(): number | undefined {
    return this.#bytes[this.#at]
  }

  push(chunk: Buffer): void {
    if (this.#at === this.#bytes.length && this.#moreBytes === 0) {
      this.#bytes = chunk
      this.#at = 0
    } else {
      this.#more.push(chunk)
      this.#moreBytes += chunk.length
    }
  }

  /** The next packet; undefined if it has not arrived completely. @throws Error if it is too large or its length is not legal. */
  next(): Frame | undefined {
    if (!this.isComplete) return undefined
    if (this.#moreBytes > 0) this.#join()
    const length = this.#remainingLength()
    if (length === OVERLONG) throw new Error('it sent a packet whose length is not legal')
    if (length === TRUNCATED) {
      this.#needed = this.pending + 1
      return undefined
    }
    const start = this.#at + 1 + lengthBytes(this.#bytes, this.#at + 1)
    const size = start + length - this.#at
    if (size > this.#maximumSize) throw new Error(`it sent a packet of ${size} bytes, more than maximumPacketSize`)
    this.#needed = size
    if (this.pending < size) return undefined
    const { [this.#at]: firstByte } = this.#bytes
    const frame = { firstByte: firstByte!, bytes: this.#bytes, headerStart: this.#at, start, end: start + length }
    this.#at = frame.end
    this.#needed = 2
    return frame
  }

  #join(): void {
    this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), ...this.#more])
    this.#at = 0
    this.#more = []
    this.#moreBytes = 0
  }

  #remainingLength(): number {
    let length = 0
    const end = Math.min(this.#bytes.length, this.#at + HEADER_BYTES)
    for (let at = this.#at + 1, shift = 0; at < end; at += 1, shift += 7) {
      length |= (this.#bytes[at]! & 0x7f) << shift
      if (this.#bytes[at]! < 0x80) return length
    }
    return end - this.#at === HEADER_BYTES ? OVERLONG : TRUNCATED
  }
}

const lengthBytes = (bytes: Buffer, start: number): number => {
  let at = start
  while (bytes[at]! >= 0x80) at += 1
  return at + 1 - start
}
