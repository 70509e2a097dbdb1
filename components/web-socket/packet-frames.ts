import { binaryFrame, COPIED_BYTES, headerBytes, writeHeader } from './frame-writer.ts'

/** Where the next byte is in its packet: its first byte, its Remaining Length, or the rest. */
type Place = 'type' | 'length' | 'rest'

/**
 * Puts each MQTT packet into a frame of its own, for clients that do not find a second one in a frame. A packet that is written in
 * several batches has a frame for each of them.
 */
export class PacketFrames {
  #place: Place = 'type'
  /** Bytes of the packet that are still to come, as far as its Remaining Length is known. */
  #rest = 0
  #multiplier = 1
  /** Payload lengths of the frames of a batch. */
  readonly #lengths: number[] = []
  // The batch that is put into frames: its pieces, and the next byte.
  #pieces: readonly Uint8Array[] = []
  #index = 0
  #at = 0

  /**
   * Puts bytes into frames.
   * @param pieces whole packets, as a rule; wherever they are cut.
   * @param total of their lengths.
   * @returns what is to be written. Small packets are one piece together.
   */
  frame(pieces: readonly Uint8Array[], total: number): readonly Uint8Array[] {
    const copied = this.#measure(pieces)
    if (this.#lengths.length === 1) return binaryFrame(pieces, total)
    this.#pieces = pieces
    this.#index = 0
    this.#at = 0
    const frames = this.#cut(Buffer.allocUnsafe(copied))
    this.#pieces = []
    return frames
  }

  /** @param buffer for the headers, and for the packets that are copied. */
  #cut(buffer: Buffer): readonly Uint8Array[] {
    const lengths = this.#lengths
    const output: Uint8Array[] = []
    let taken = 0
    let at = 0
    for (let index = 0; index < lengths.length; ) {
      const length = lengths[index]!
      if (length <= COPIED_BYTES) {
        const first = index
        while (index < lengths.length && lengths[index]! <= COPIED_BYTES) index += 1
        at = this.#copyPackets(first, index, buffer, at)
        continue
      }
      index += 1
      writeHeader(buffer, at, length)
      at += headerBytes(length)
      output.push(buffer.subarray(taken, at))
      taken = at
      this.#pass(length, output)
    }
    if (at > taken) output.push(buffer.subarray(taken, at))
    return output
  }

  /**
   * Copies packets with their headers. All are copied at once behind the room for the headers, and then each is moved to its place:
   * that costs a third of a copy for each.
   * @param end of the packets, by their number. @param start where in the target. @returns where it ends there.
   */
  #copyPackets(first: number, end: number, target: Buffer, start: number): number {
    const lengths = this.#lengths
    let bytes = 0
    let headers = 0
    for (let index = first; index < end; index += 1) {
      bytes += lengths[index]!
      headers += headerBytes(lengths[index]!)
    }
    let from = start + headers
    this.#copy(bytes, target, from)
    let to = start
    for (let index = first; index < end; index += 1) {
      const length = lengths[index]!
      writeHeader(target, to, length)
      to += headerBytes(length)
      // Moved towards the beginning: what comes behind is not touched.
      target.copyWithin(to, from, from + length)
      to += length
      from += length
    }
    return to
  }

  /** Copies the next bytes of the batch. */
  #copy(length: number, target: Buffer, offset: number): void {
    for (let left = length; left > 0; ) {
      const piece = this.#piece()
      const part = this.#at === 0 && piece.length <= left ? piece : piece.subarray(this.#at, this.#at + left)
      target.set(part, offset + length - left)
      this.#at += part.length
      left -= part.length
    }
  }

  /** Adds the next bytes of the batch to a list, without a copy. */
  #pass(length: number, output: Uint8Array[]): void {
    for (let left = length; left > 0; ) {
      const piece = this.#piece()
      const part = piece.subarray(this.#at, this.#at + left)
      output.push(part)
      this.#at += part.length
      left -= part.length
    }
  }

  /** The piece that has the next byte. */
  #piece(): Uint8Array {
    let piece = this.#pieces[this.#index]!
    while (this.#at === piece.length) {
      this.#index += 1
      this.#at = 0
      piece = this.#pieces[this.#index]!
    }
    return piece
  }

  /** Finds the packets. @returns the size of all headers, and of the packets that are copied behind them. */
  #measure(pieces: readonly Uint8Array[]): number {
    this.#lengths.length = 0
    let copied = 0
    let length = 0
    for (const piece of pieces) {
      const size = piece.length
      for (let at = 0; at < size; ) {
        const end = this.#place === 'type' ? this.#begin(piece, at) : this.#goOn(piece, at)
        length += end - at
        at = end
        if (this.#place !== 'type') continue
        copied += this.#add(length)
        length = 0
      }
    }
    // A packet that goes on in the next batch.
    return length > 0 ? copied + this.#add(length) : copied
  }

  /** @returns the part of the frame that is copied. */
  #add(length: number): number {
    this.#lengths.push(length)
    return headerBytes(length) + (length > COPIED_BYTES ? 0 : length)
  }

  /** Begins a packet. @returns how far the piece is read. `#place` is `type` if the packet ends there. */
  #begin(piece: Uint8Array, at: number): number {
    const byte = piece[at + 1]
    // A short packet that is there as a whole: most are.
    if (byte !== undefined && byte < 0x80 && at + 2 + byte <= piece.length) return at + 2 + byte
    this.#place = 'length'
    this.#rest = 0
    this.#multiplier = 1
    return at + 1
  }

  /** Goes on in a packet. @returns how far the piece is read. `#place` is `type` if the packet ends there. */
  #goOn(piece: Uint8Array, at: number): number {
    if (this.#place === 'length') {
      const byte = piece[at]!
      this.#rest += (byte & 0x7f) * this.#multiplier
      this.#multiplier *= 128
      if (byte < 0x80) this.#place = this.#rest === 0 ? 'type' : 'rest'
      return at + 1
    }
    const taken = Math.min(this.#rest, piece.length - at)
    this.#rest -= taken
    if (this.#rest === 0) this.#place = 'type'
    return at + taken
  }
}
