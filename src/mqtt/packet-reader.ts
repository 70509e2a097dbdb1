import type { ProtocolError } from './protocol-error.ts'
import type { ProtocolVersion } from './protocol-version.ts'
import { malformedPacket, truncated } from './refusal.ts'
import { classifyUtf8, Utf8 } from './utf8.ts'

const EMPTY = Buffer.alloc(0)

/** What a number-reading method returns when the packet ends within the number. */
export const TRUNCATED = -1
/** What `variableByteInteger` returns for a number that is longer than it must be, or than it may be. */
export const OVERLONG = -2

/**
 * A position in the body of one packet (the bytes behind its fixed header), and methods that read the data types of section 1.5
 * from there. One reader is reused for all packets, so that reading allocates nothing. It must not be kept beyond a packet.
 */
export class PacketReader {
  /** The bytes that contain the packet. Other bytes may surround it. */
  bytes: Buffer = EMPTY
  /** Where the next field starts. */
  position = 0
  /** The end of the packet. While Properties are read: the end of the Properties. */
  end = 0
  /** The version that the packet is read as. The check of a CONNECT packet sets it. */
  protocolVersion: ProtocolVersion | 0 = 0
  /** Start of the last string read, without its length. It ends at `position`. */
  stringStart = 0
  /** The Connect Flags of a checked CONNECT, without those that MQTT 3.1 ignores, or allows for fields that are missing. */
  connectFlags = 0
  /** Of a CONNECT, as far as it was read; Infinity is none. */
  maximumPacketSize = Number.POSITIVE_INFINITY
  /** The position of the Topic Name of a checked PUBLISH. */
  topicStart = 0
  topicEnd = 0
  /** Topic Filters that a packet may hold. */
  maximumFilters = Number.POSITIVE_INFINITY
  /** Whether the packets come from a server, whose PUBLISH packets may have Subscription Identifiers. */
  fromServer = false
  /** The last Packet Identifier checked. */
  packetIdentifier = 0

  // The last Properties checked (`properties.ts`); those of the will when CONNECT has one.
  /** One bit for each property that is present. */
  presentProperties = 0
  /** Where they lie, without their Property Length. */
  propertiesStart = 0
  propertiesEnd = 0
  payloadFormatUtf8 = false
  /** 0 is none. */
  topicAlias = 0
  /** In seconds; -1 is none. */
  messageExpiryInterval = -1
  /**
   * Up to two properties that are not forwarded, in their order: the start and the length in bytes of each. A length of 0 means
   * none.
   */
  firstCutStart = 0
  firstCutLength = 0
  secondCutStart = 0
  secondCutLength = 0

  /** Starts to read a packet body from `start` up to `end`. */
  open(bytes: Buffer, start: number, end: number, protocolVersion: ProtocolVersion | 0): void {
    this.bytes = bytes
    this.position = start
    this.end = end
    this.protocolVersion = protocolVersion
    this.maximumPacketSize = Number.POSITIVE_INFINITY
    this.openProperties(0, 0)
  }

  /** Starts to read Properties from `start` up to `end`. */
  openProperties(start: number, end: number): void {
    this.propertiesStart = start
    this.propertiesEnd = end
    this.presentProperties = 0
    this.payloadFormatUtf8 = false
    this.topicAlias = 0
    this.messageExpiryInterval = -1
    this.firstCutLength = 0
    this.secondCutLength = 0
  }

  /** Notes that the last `length` bytes read are a property that is not forwarded. There are never more than two. */
  cut(length: number): void {
    if (this.firstCutLength === 0) {
      this.firstCutStart = this.position - length
      this.firstCutLength = length
    } else {
      this.secondCutStart = this.position - length
      this.secondCutLength = length
    }
  }

  /** Releases the lent bytes. */
  close(): void {
    this.bytes = EMPTY
  }

  get atEnd(): boolean {
    return this.position >= this.end
  }

  byte(): number {
    return this.position < this.end ? this.bytes[this.position++]! : TRUNCATED
  }

  twoByteInteger(): number {
    const at = this.position
    if (at + 2 > this.end) return TRUNCATED
    this.position = at + 2
    return (this.bytes[at]! << 8) | this.bytes[at + 1]!
  }

  fourByteInteger(): number {
    if (this.position + 4 > this.end) return TRUNCATED
    this.position += 4
    return this.bytes.readUInt32BE(this.position - 4)
  }

  variableByteInteger(): number {
    let value = 0
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.byte()
      if (byte === TRUNCATED) return TRUNCATED
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return byte === 0 && shift > 0 ? OVERLONG : value // [MQTT-1.5.5-1]
    }
    return OVERLONG
  }

  /** The rest of the packet, as a view. */
  rest(): Buffer {
    const start = this.position
    this.position = this.end
    return this.bytes.subarray(start, this.end)
  }

  /** Binary Data, as a view. Only for packets that were checked. */
  binary(): Buffer {
    const length = this.twoByteInteger()
    this.position += length
    return this.bytes.subarray(this.position - length, this.position)
  }

  /** A UTF-8 Encoded String. Only for packets that were checked. */
  string(): string {
    const length = this.twoByteInteger()
    this.position += length
    return this.bytes.toString('utf8', this.position - length, this.position)
  }

  /** Passes over Binary Data. @param field its name in messages. @returns what is wrong, or undefined. */
  checkBinary(field: string): ProtocolError | undefined {
    const length = this.twoByteInteger()
    if (length === TRUNCATED || this.position + length > this.end) return truncated(field)
    this.position += length
    return undefined
  }

  /** Passes over a UTF-8 Encoded String and checks it. @param field its name in messages. */
  checkString(field: string): ProtocolError | undefined {
    const length = this.twoByteInteger()
    const start = this.position
    if (length === TRUNCATED || start + length > this.end) return truncated(field)
    this.stringStart = start
    this.position = start + length
    const form = classifyUtf8(this.bytes, start, this.position)
    if (form === Utf8.IllFormed) return malformedPacket(`The ${field} is not well-formed UTF-8.`, 'MQTT-1.5.4-1')
    if (form === Utf8.NullCharacter) return malformedPacket(`The ${field} holds U+0000.`, 'MQTT-1.5.4-2')
    return undefined
  }
}
