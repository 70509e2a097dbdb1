/** Writes numbers and bytes one after the other into memory that grows. Numbers are big-endian. */
export class ByteWriter {
  #bytes: Buffer
  /** Of the same memory: the engine makes one instruction of each write. */
  #view: DataView
  /** Where the next byte goes. */
  position = 0

  constructor(bytes = 1024) {
    this.#bytes = Buffer.allocUnsafeSlow(bytes)
    this.#view = new DataView(this.#bytes.buffer)
  }

  /** Its own ArrayBuffer from offset 0, so that native code finds an address by the position alone. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** Forgets everything. @param bytes of the memory to go on with; without it the memory stays. */
  reset(bytes?: number): void {
    this.position = 0
    if (bytes === undefined) return
    this.#bytes = Buffer.allocUnsafeSlow(bytes)
    this.#view = new DataView(this.#bytes.buffer)
  }

  u8(value: number): void {
    this.#reserve(1)
    this.#view.setUint8(this.position, value)
    this.position += 1
  }

  u16(value: number): void {
    this.#reserve(2)
    this.#view.setUint16(this.position, value)
    this.position += 2
  }

  u32(value: number): void {
    this.#reserve(4)
    this.#view.setUint32(this.position, value)
    this.position += 4
  }

  /** Six bytes. */
  u48(value: number): void {
    this.u16(Math.floor(value / 0x1_0000_0000))
    this.u32(value % 0x1_0000_0000)
  }

  f64(value: number): void {
    this.#reserve(8)
    this.#view.setFloat64(this.position, value)
    this.position += 8
  }

  /** A part of other memory. */
  copy(source: Buffer, start: number, end: number): void {
    this.#reserve(end - start)
    source.copy(this.#bytes, this.position, start, end)
    this.position += end - start
  }

  put(source: Uint8Array): void {
    this.#reserve(source.length)
    this.#bytes.set(source, this.position)
    this.position += source.length
  }

  #reserve(count: number): void {
    const needed = this.position + count
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(larger, 0, 0, this.position)
    this.#bytes = larger
    this.#view = new DataView(larger.buffer)
  }
}

/** Reads what a ByteWriter has written. @throws RangeError beyond the end. */
export class ByteReader {
  bytes: Buffer
  position: number

  constructor(bytes: Buffer, position = 0) {
    this.bytes = bytes
    this.position = position
  }

  /** Reads other bytes from their begin on. */
  restart(bytes: Buffer): void {
    this.bytes = bytes
    this.position = 0
  }

  get atEnd(): boolean {
    return this.position >= this.bytes.length
  }

  u8(): number {
    const value = this.bytes.readUInt8(this.position)
    this.position += 1
    return value
  }

  u16(): number {
    const value = this.bytes.readUInt16BE(this.position)
    this.position += 2
    return value
  }

  u32(): number {
    const value = this.bytes.readUInt32BE(this.position)
    this.position += 4
    return value
  }

  u48(): number {
    const high = this.u16()
    return high * 0x1_0000_0000 + this.u32()
  }

  f64(): number {
    const value = this.bytes.readDoubleBE(this.position)
    this.position += 8
    return value
  }

  /** A view. */
  view(length: number): Buffer {
    const start = this.skip(length)
    return this.bytes.subarray(start, this.position)
  }

  /** Leaves bytes out. @returns where they begin. */
  skip(length: number): number {
    const start = this.position
    const end = start + length
    if (end > this.bytes.length) throw new RangeError(`it ends ${end - this.bytes.length} bytes too early`)
    this.position = end
    return start
  }
}
