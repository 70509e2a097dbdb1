import type { Version } from '../plan.ts'
import { PacketType, STAMP_BYTES } from './packets.ts'

/** The callbacks of a `PacketCounter`. They get only numbers, so that nothing is allocated for a message. */
export interface PacketListener {
  /** A PUBLISH packet has arrived to its last byte. @param packetId 0 at QoS 0. */
  message(
    flags: number,
    packetId: number,
    stream: number,
    sequence: number,
    sentAtMs: number,
    payloadBytes: number,
  ): void
  /** PUBACK, PUBREC, PUBREL or PUBCOMP. @param reasonCode 0 when there is none. */
  acknowledged(type: number, packetId: number, reasonCode: number): void
  /** Any other packet. @param body what follows the fixed header; lent for the call. */
  other(type: number, body: Buffer): void
}

/** The head of a PUBLISH packet, and any other packet whole, must fit in this many bytes. */
const maximumCarriedBytes = 1_048_576
const firstCarryBytes = 512

/** The packet that begins here is not there in full. */
const INCOMPLETE = -1

/**
 * Reads the packets of a broker, split in any way, with little work: of a message it reads the stamp at the start of the
 * payload and skips the rest. It trusts the broker's framing, but malformed lengths cause an error and never a wrong count.
 */
export class PacketCounter {
  readonly #listener: PacketListener
  readonly #version: Version

  /** The start of a packet that is not complete enough to be read; made on first need. */
  #carry: Buffer | undefined
  #carried = 0

  // A PUBLISH packet whose head was read, and whose payload continues for `#skip` bytes.
  #skip = 0
  #flags = 0
  #packetId = 0
  #stream = 0
  #sequence = 0
  #sentAtMs = 0
  #payloadBytes = 0

  constructor(listener: PacketListener, version: Version) {
    this.#listener = listener
    this.#version = version
  }

  /** Takes bytes, which are lent for the call. @throws Error when they cannot be MQTT. */
  feed(chunk: Buffer, end = chunk.length): void {
    let position = 0
    while (position < end) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, end - position)
        this.#skip -= skipped
        position += skipped
        if (this.#skip === 0) this.#tellMessage()
      } else if (this.#carried > 0) {
        position = this.#feedCarry(chunk, position, end)
      } else {
        const next = this.#read(chunk, position, end)
        if (next === INCOMPLETE) {
          this.#keep(chunk, position, end)
          return
        }
        position = next
      }
    }
  }

  /** Completes the packet in the carry. @returns how far the chunk was used. */
  #feedCarry(chunk: Buffer, position: number, end: number): number {
    const before = this.#carried
    // Small steps: most of the time a few bytes complete the head, and the rest is read in place.
    const step = Math.min(end - position, Math.max(64, before))
    this.#keep(chunk, position, position + step)
    const next = this.#read(this.#carry!, 0, this.#carried)
    if (next === INCOMPLETE) return position + step
    // `#read` read one packet, or the head of one: what is behind it is still in the chunk.
    this.#carried = 0
    return position + next - before
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    const needed = this.#carried + end - start
    if (needed > maximumCarriedBytes) throw new Error(`a packet head of ${needed} bytes or more came`)
    if (this.#carry === undefined || this.#carry.length < needed) {
      const larger = Buffer.allocUnsafe(Math.max(firstCarryBytes, needed * 2))
      this.#carry?.copy(larger, 0, 0, this.#carried)
      this.#carry = larger
    }
    chunk.copy(this.#carry, this.#carried, start, end)
    this.#carried = needed
  }

  /** Reads one packet. @returns where the next one begins (`end` if the payload continues behind it), or `INCOMPLETE`. */
  #read(bytes: Buffer, start: number, end: number): number {
    let position = start + 1
    let length = 0
    for (let scale = 1; ; scale *= 128) {
      if (position >= end) return INCOMPLETE
      if (scale > 2_097_152) throw new Error('a Remaining Length of more than four bytes came')
      const byte = bytes[position++]!
      length += (byte & 0x7f) * scale
      if (byte < 0x80) break
    }
    const packetEnd = position + length
    const type = bytes[start]! >> 4
    if (type === PacketType.PUBLISH) return this.#readPublish(bytes, start, position, packetEnd, end)
    if (packetEnd > end) return INCOMPLETE
    if (type >= PacketType.PUBACK && type <= PacketType.PUBCOMP) {
      if (length < 2) throw new Error('an acknowledgement without a Packet Identifier came')
      const reasonCode = length > 2 ? bytes[position + 2]! : 0
      this.#listener.acknowledged(type, (bytes[position]! << 8) | bytes[position + 1]!, reasonCode)
    } else {
      this.#listener.other(type, bytes.subarray(position, packetEnd))
    }
    return packetEnd
  }

  #readPublish(bytes: Buffer, start: number, bodyStart: number, packetEnd: number, end: number): number {
    if (bodyStart + 2 > end) return INCOMPLETE
    let position = bodyStart + 2 + ((bytes[bodyStart]! << 8) | bytes[bodyStart + 1]!)
    const flags = bytes[start]! & 0x0f
    let packetId = 0
    if ((flags & 0b110) !== 0) {
      if (position + 2 > end) return INCOMPLETE
      packetId = (bytes[position]! << 8) | bytes[position + 1]!
      position += 2
    }
    if (this.#version === 5) {
      let length = 0
      for (let scale = 1; ; scale *= 128) {
        if (position >= end) return INCOMPLETE
        const byte = bytes[position++]!
        length += (byte & 0x7f) * scale
        if (byte < 0x80) break
      }
      position += length
    }
    if (position + STAMP_BYTES > packetEnd) throw new Error('a message came that this benchmark did not send')
    if (position + STAMP_BYTES > end) return INCOMPLETE
    this.#flags = flags
    this.#packetId = packetId
    this.#stream = bytes.readUInt32BE(position)
    this.#sequence = bytes.readUInt32BE(position + 4)
    this.#sentAtMs = bytes.readDoubleBE(position + 8)
    this.#payloadBytes = packetEnd - position
    if (packetEnd > end) {
      this.#skip = packetEnd - end
      return end
    }
    this.#tellMessage()
    return packetEnd
  }

  #tellMessage(): void {
    this.#listener.message(
      this.#flags,
      this.#packetId,
      this.#stream,
      this.#sequence,
      this.#sentAtMs,
      this.#payloadBytes,
    )
  }
}
