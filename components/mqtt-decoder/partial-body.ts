/** The first piece of memory taken for a packet that does not come whole, in bytes. */
const FIRST_CAPACITY = 4096
/** How much more memory is taken than bytes have come, so that copying stays linear and promises alone cost nothing. */
const GROWTH_FACTOR = 4

/**
 * The body of a packet that comes in several chunks. The memory grows with what has come, not with what the client
 * announced: 256 MB announced and never sent cost 4 KiB.
 */
export class PartialBody {
  readonly #remainingLength: number
  #bytes: Buffer
  #length = 0

  /** @param remainingLength of the packet, in bytes. */
  constructor(remainingLength: number) {
    this.#remainingLength = remainingLength
    this.#bytes = Buffer.allocUnsafe(Math.min(remainingLength, FIRST_CAPACITY))
  }

  /** Copies from `chunk` what the packet lacks, at most up to its end. @returns where in the chunk the packet stops. */
  append(chunk: Buffer, position: number): number {
    const end = Math.min(chunk.length, position + this.#remainingLength - this.#length)
    const length = this.#length + end - position
    if (length > this.#bytes.length) this.#grow(length)
    this.#bytes.set(chunk.subarray(position, end), this.#length)
    this.#length = length
    return end
  }

  /** The whole body, or undefined while there is more to come. */
  get whole(): Buffer | undefined {
    return this.#length === this.#remainingLength ? this.#bytes : undefined
  }

  #grow(length: number): void {
    const larger = Buffer.allocUnsafe(Math.min(this.#remainingLength, length * GROWTH_FACTOR))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}
