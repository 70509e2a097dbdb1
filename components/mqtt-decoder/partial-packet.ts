import { variableByteIntegerSize, writeVariableByteInteger } from '../../src/mqtt/variable-byte-integer.ts'

/** The least memory taken for a packet that does not come whole, in bytes. */
const FIRST_CAPACITY = 4096
/**
 * How much more memory is taken than bytes have come, so that copying stays linear and promises alone cost nothing. With 1 MiB,
 * 8 and 16 cost 7 and 20 % more, since the memory itself costs more than copying does.
 */
const GROWTH_FACTOR = 4

/**
 * A packet that comes in several chunks, in memory of its own, which it can be kept in and sent from. The memory grows with
 * what has come, not with what the client announced: 256 MB announced and never sent cost 4 KiB.
 */
export class PartialPacket {
  /** Where its body begins: behind the fixed header. */
  readonly bodyStart: number
  readonly #size: number
  #bytes: Buffer
  #length: number

  /** @param remainingLength of the packet. @param arriving how much of it is there, both in bytes. */
  constructor(firstByte: number, remainingLength: number, arriving: number) {
    this.bodyStart = 1 + variableByteIntegerSize(remainingLength)
    this.#size = this.bodyStart + remainingLength
    this.#bytes = Buffer.allocUnsafe(Math.min(this.#size, Math.max(FIRST_CAPACITY, arriving * GROWTH_FACTOR)))
    this.#bytes[0] = firstByte
    this.#length = writeVariableByteInteger(this.#bytes, 1, remainingLength)
  }

  /** Copies from `chunk` what the packet lacks, at most up to its end. @returns where in the chunk the packet stops. */
  append(chunk: Buffer, position: number): number {
    const end = Math.min(chunk.length, position + this.#size - this.#length)
    const length = this.#length + end - position
    if (length > this.#bytes.length) this.#grow(length)
    this.#bytes.set(chunk.subarray(position, end), this.#length)
    this.#length = length
    return end
  }

  /** The memory that is taken and not filled yet: what comes next can be written there. */
  get room(): Buffer {
    return this.#bytes.subarray(this.#length)
  }

  /** So many bytes were written to `room`. */
  filled(length: number): void {
    this.#length += length
  }

  /** The whole packet with its fixed header, or undefined while there is more to come. */
  get whole(): Buffer | undefined {
    return this.#length === this.#size ? this.#bytes : undefined
  }

  #grow(length: number): void {
    const larger = Buffer.allocUnsafe(Math.min(this.#size, length * GROWTH_FACTOR))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}
