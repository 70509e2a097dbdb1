import { qosOf } from '../../src/mqtt/fixed-header.ts'
import { OVERLONG, TRUNCATED } from '../../src/mqtt/packet-reader.ts'
import { PacketType } from '../../src/mqtt/packet-type.ts'

/** A packet: its first byte, and where its body lies. */
export interface Frame {
  readonly firstByte: number
  readonly bytes: Buffer
  /** Where its fixed header begins. */
  readonly headerStart: number
  /** Where its body begins. */
  readonly start: number
  readonly end: number
  /** Of the packet, in bytes. More than there are up to `end`: it is too large, and only its Topic Name and Packet Identifier are here. */
  readonly size: number
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
  /** Bytes of a packet that is too large, which are passed over when they come. */
  #unwanted = 0

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

  push(bytes: Buffer): void {
    const chunk = this.#unwanted === 0 ? bytes : bytes.subarray(this.#passOver(bytes.length))
    if (this.#at === this.#bytes.length && this.#moreBytes === 0) {
      this.#bytes = chunk
      this.#at = 0
    } else {
      this.#more.push(chunk)
      this.#moreBytes += chunk.length
    }
  }

  /**
   * The next packet; undefined if it has not arrived completely. Of a PUBLISH packet at QoS 1 and 2 that is too large only the beginning is
   * given. @throws Error if another packet is too large, or if its length is not legal.
   */
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
    if (size > this.#maximumSize) return this.#beginningOf(start, length)
    this.#needed = size
    if (this.pending < size) return undefined
    const { [this.#at]: firstByte } = this.#bytes
    const end = start + length
    const frame = { firstByte: firstByte!, bytes: this.#bytes, headerStart: this.#at, start, end, size }
    this.#at = end
    this.#needed = 2
    return frame
  }

  /** Of a packet that is too large, up to its Packet Identifier, so that it can be acknowledged. */
  #beginningOf(start: number, length: number): Frame | undefined {
    const { [this.#at]: firstByte = 0 } = this.#bytes
    const size = start + length - this.#at
    const isAcknowledged = firstByte >> 4 === PacketType.Publish && qosOf(firstByte) > 0
    if (!isAcknowledged) throw new Error(tooLarge(size))
    const topicLength = this.#bytes.length < start + 2 ? 0 : this.#bytes.readUInt16BE(start)
    const end = start + 2 + topicLength + 2
    if (end > start + length) throw new Error(tooLarge(size))
    this.#needed = end - this.#at
    if (this.pending < this.#needed) return undefined
    const frame = { firstByte, bytes: this.#bytes, headerStart: this.#at, start, end, size }
    this.#unwanted = start + length - end
    this.#at = end + this.#passOver(this.#bytes.length - end)
    this.#needed = 2
    return frame
  }

  /** @returns how many of so many bytes are unwanted. */
  #passOver(available: number): number {
    const count = Math.min(available, this.#unwanted)
    this.#unwanted -= count
    return count
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

/** Why a connection ends for a packet of this size, in bytes. */
export const tooLarge = (size: number): string => `it sent a packet of ${size} bytes, more than maximumPacketSize`

const lengthBytes = (bytes: Buffer, start: number): number => {
  let at = start
  while (bytes[at]! >= 0x80) at += 1
  return at + 1 - start
}
