import { describeReasonCode } from '../mqtt/describe-reason-code.ts'
import { MAXIMUM_PACKET_SIZE } from '../mqtt/fixed-header.ts'
import { PacketReader } from '../mqtt/packet-reader.ts'
import { PacketType } from '../mqtt/packet-type.ts'
import type { ProtocolError } from '../mqtt/protocol-error.ts'
import type { ProtocolVersion } from '../mqtt/protocol-version.ts'
import { malformedPacket, protocolError } from '../mqtt/refusal.ts'
import { ClientError } from './client-error.ts'
import { checkServerFirstByte, isServerPacket, readServerPacket, type ServerPacket } from './server-packet.ts'

/**
 * Bytes of a server to packets. Memory grows with the bytes that have arrived, never with a length that the server names; each
 * byte is copied a constant number of times.
 */
export class PacketParser {
  readonly #version: ProtocolVersion
  readonly #maximumPacketSize: number
  readonly #reader = new PacketReader()
  #chunks: Buffer[] = []
  #length = 0
  /** So many bytes have to be there before it is worth looking again. */
  #needed = 1
  #isFirst = true

  /** @param maximumPacketSize of packets from the server, in bytes and with their fixed header. */
  constructor(version: ProtocolVersion, maximumPacketSize = MAXIMUM_PACKET_SIZE) {
    this.#version = version
    this.#maximumPacketSize = maximumPacketSize
  }

  /** Adds bytes that have arrived. They must not change afterwards. */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
  }

  /**
   * The next packet, or undefined until more bytes arrive.
   * @throws ClientError with the code PROTOCOL when the bytes are no packet that a server may send.
   */
  next(): ServerPacket | undefined {
    if (this.#length < this.#needed) return undefined
    const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#length)
    const header = this.#readHeader(bytes)
    const size = header === undefined ? bytes.length + 1 : header.bodyStart + header.bodyLength
    this.#needed = size
    this.#chunks = [bytes]
    if (header === undefined || bytes.length < size) return undefined
    const rest = bytes.subarray(size)
    this.#chunks = rest.length === 0 ? [] : [rest]
    this.#length = rest.length
    this.#needed = 1
    this.#isFirst = false
    const result = readServerPacket(bytes[0]!, bytes.subarray(header.bodyStart, size), this.#version, this.#reader)
    if (!isServerPacket(result)) throw protocolFault(result)
    return result
  }

  /** @returns undefined while the Remaining Length is not complete. */
  #readHeader(bytes: Buffer): { readonly bodyStart: number; readonly bodyLength: number } | undefined {
    const firstByte = bytes[0]!
    if (this.#isFirst && firstByte >> 4 !== PacketType.Connack) {
      throw protocolFault(protocolError('The first packet is not CONNACK.', 'MQTT-3.2.0-1'))
    }
    const problem = checkServerFirstByte(firstByte, this.#version)
    if (problem !== undefined) throw protocolFault(problem)
    let bodyLength = 0
    for (let index = 1; index <= 4; index += 1) {
      const byte = bytes[index]
      if (byte === undefined) return undefined
      bodyLength |= (byte & 0x7f) << (7 * (index - 1))
      if (byte >= 0x80) continue
      if (index + 1 + bodyLength > this.#maximumPacketSize) {
        const message = `A packet has ${index + 1 + bodyLength} bytes, more than the ${this.#maximumPacketSize} that are accepted.`
        throw protocolFault(protocolError(message))
      }
      return { bodyStart: index + 1, bodyLength }
    }
    throw protocolFault(malformedPacket('The Remaining Length is over four bytes long.'))
  }
}

/** A violation of the protocol by the broker. `reasonCode` is what the client sends in DISCONNECT. */
export const protocolFault = ({ reasonCode, message, clause }: ProtocolError): ClientError =>
  new ClientError(
    'PROTOCOL',
    `The broker broke the protocol: ${message} ${describeReasonCode(reasonCode)}${clause === undefined ? '' : ` [${clause}]`}`,
    { reasonCode },
  )
