import { variableByteIntegerSize, writeVariableByteInteger } from '../../src/mqtt/variable-byte-integer.ts'

/** The least memory taken for a packet that does not come whole, in bytes. */
const FIRST_CAPACITY = 4096
/**
 * How much more memory is taken than bytes have come, so that copying stays linear and promises alone cost nothing. With 1 MiB,
 * 8 and 16 cost 7 and 20 % more, since the memory itself costs more than copying does.
 */
const GROWTH_FACTOR = 4

const NOTHING = Buffer.alloc(0)

/** A packet that came in part, for the decoder that continues with it. */
export interface PartialPacketRecord {
  readonly firstByte: number
  readonly remainingLength: number
  /** Its memory, by reference: the next bytes may be on their way into it. */
  readonly bytes: Buffer
  /** Bytes of it that have come. */
  readonly length: number
}

/**
 * A packet that comes in several chunks, in memory of its own, which it can be kept in and sent from. The memory grows with
 * what has come, not with what the client announced: 256 MB announced and never sent cost 4 KiB.
 */
export class PartialPacket {
  /** Where its body begins: behind the fixed header. */
  readonly bodyStart: number
  readonly #firstByte: number
  readonly #size: number
  #bytes: Buffer = NOTHING
  #length: number

  /**
   * Takes no memory yet.
   * @param remainingLength of the packet, in bytes.
   */
  constructor(firstByte: number, remainingLength: number) {
    this.bodyStart = 1 + variableByteIntegerSize(remainingLength)
    this.#firstByte = firstByte
    this.#size = this.bodyStart + remainingLength
    this.#length = this.bodyStart
  }

  /** The packet of another decoder, in the same memory. */
  static from({ firstByte, remainingLength, bytes, length }: PartialPacketRecord): PartialPacket {
    const packet = new PartialPacket(firstByte, remainingLength)
    // Without any byte it has its memory still to take.
    if (bytes.length > 0) packet.#bytes = bytes
    packet.#length = length
    return packet
  }

  handOver(): PartialPacketRecord {
    const remainingLength = this.#size - this.bodyStart
    return { firstByte: this.#firstByte, remainingLength, bytes: this.#bytes, length: this.#length }
  }

  /** Bytes of memory that it needs to have for so many bytes more, at most those that it lacks. */
  capacityFor(arriving: number): number {
    const length = Math.min(this.#size, this.#length + arriving)
    if (length <= this.#bytes.length) return this.#bytes.length
    return Math.min(this.#size, Math.max(FIRST_CAPACITY, length * GROWTH_FACTOR))
  }

  /** Copies from `chunk` what the packet lacks, at most up to its end. @returns where in the chunk the packet stops. */
  append(chunk: Buffer, position: number): number {
    const end = Math.min(chunk.length, position + this.#size - this.#length)
    const length = this.#length + end - position
    const capacity = this.capacityFor(end - position)
    if (capacity > this.#bytes.length) this.#grow(capacity)
    this.#bytes.set(chunk.subarray(position, end), this.#length)
    this.#length = length
    return end
  }

  /** The allocated memory behind the bytes that have come. The next bytes may be written there. */
  get freeMemory(): Buffer {
    return this.#bytes.subarray(this.#length)
  }

  /** So many bytes were written to the start of `freeMemory`. */
  bytesRead(length: number): void {
    this.#length += length
  }

  /** The whole packet with its fixed header, or undefined while there is more to come. */
  get whole(): Buffer | undefined {
    return this.#length === this.#size ? this.#bytes : undefined
  }

  #grow(capacity: number): void {
    const larger = Buffer.allocUnsafe(capacity)
    if (this.#bytes === NOTHING) {
      larger[0] = this.#firstByte
      writeVariableByteInteger(larger, 1, this.#size - this.bodyStart)
    } else larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}
