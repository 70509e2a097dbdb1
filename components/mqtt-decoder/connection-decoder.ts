import type { Connection } from '../../src/kinds/connection.ts'
import type { ControlPacket, DecoderInput, PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import { ACKNOWLEDGEMENT_BYTES, acknowledgementAt } from '../../src/mqtt/acknowledgement.ts'
import { checkPacket } from '../../src/mqtt/check-packet.ts'
import { checkFirstByte, withoutUnusedFlags } from '../../src/mqtt/fixed-header.ts'
import type { MessageFields } from '../../src/mqtt/message.ts'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import type { ProtocolError } from '../../src/mqtt/protocol-error.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import type { Publish } from '../../src/mqtt/publish.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { malformedPacket, refusal } from '../../src/mqtt/refusal.ts'
import { describeConnectError } from './describe-connect-error.ts'
import type { PartialHolder, PartialShare } from './partial-memory.ts'
import { PartialPacket, type PartialPacketRecord } from './partial-packet.ts'
import { readPacket } from './read-packet.ts'
import { readPublish } from './read-publish.ts'
import type { SharedDecoding } from './shared-decoding.ts'

/** The least memory that is offered for the next read, in bytes. Any other read brings as much. */
const MINIMUM_READ_BYTES = 64 * 1024

/**
 * So many acknowledgements are passed on before it is asked whether the connection is paused: it bounds the answers that one
 * client has waiting for a slow store.
 */
const MAXIMUM_ACKNOWLEDGEMENTS = 256

const NOTHING = Buffer.alloc(0)

/** What the decoder waits for. */
const State = {
  FirstByte: 0,
  RemainingLength: 1,
  Body: 2,
  /** Nothing any more: the client broke the protocol. */
  Failed: 3,
} as const
type State = (typeof State)[keyof typeof State]

/** The state of one connection for the decoder that continues with it. */
export interface DecoderRecord {
  readonly version: typeof RECORD_VERSION
  readonly state: State
  readonly firstByte: number
  readonly remainingLength: number
  readonly remainingLengthBytes: number
  readonly alwaysTaken: number
  readonly partial: PartialPacketRecord | undefined
  /** By reference: it is a part of the `PartialState` that the component passes on. */
  readonly share: PartialShare | undefined
}

/** Of `DecoderRecord`. Counted up when it changes. */
export const RECORD_VERSION = 1

/**
 * Bytes to packets, for one connection. However the bytes are split, the work is linear in them: a packet that lies in
 * one chunk is read where it is, one that does not is copied once into memory of its own.
 *
 * Packets and the buffers in them are lent for the call of `packet` or `publish`: they may be views of the chunk. At the
 * first byte that no client may send `fail` is called, once, and everything after it is dropped, as is what follows a
 * packet upon which the connection was closed [MQTT-3.1.4-6]. What follows one upon which it was paused is not taken.
 */
export class ConnectionDecoder implements DecoderInput, PartialHolder {
  readonly #connection: Connection
  #next: PacketReceiver
  #takesRuns: boolean
  #takesAcknowledgements: boolean
  readonly #shared: SharedDecoding
  /** The smaller of both limits: a packet of this size needs no other look at its size. */
  readonly #alwaysTaken: number

  // The packet that is coming.
  #state: State = State.FirstByte
  #firstByte = 0
  /** Where its first byte is in the present chunk; -1 when it came in an earlier one. */
  #frameStart = -1
  /** The present chunk. */
  #chunk: Buffer | undefined
  /** Up to here in it the packets of a run are passed on one by one. */
  #singlyUntil = 0
  /** While its bytes come, the value so far. */
  #remainingLength = 0
  #remainingLengthBytes = 0
  /** What it holds of the memory for such packets; undefined for nothing. */
  #share: PartialShare | undefined
  /** What has come of it, when its body does not lie in one chunk. */
  #partial: PartialPacket | undefined

  /**
   * @param handed the state of the decoder that it continues for.
   * @throws when that has another form.
   */
  constructor(connection: Connection, next: PacketReceiver, shared: SharedDecoding, handed?: DecoderRecord) {
    this.#connection = connection
    this.#shared = shared
    this.#next = next
    this.#takesRuns = next.publishRun !== undefined
    this.#takesAcknowledgements = next.acknowledge !== undefined
    if (handed === undefined) {
      const { maximumPacketSize = shared.limits.maximumPacketSize } = connection.listener
      connection.maximumIncomingPacketSize = maximumPacketSize
      this.#alwaysTaken = Math.min(maximumPacketSize, shared.limits.maximumConnectPacketSize)
      return
    }
    if (handed.version !== RECORD_VERSION)
      throw new Error('the state of the decoder of a connection has another version')
    this.#alwaysTaken = handed.alwaysTaken
    this.#state = handed.state
    this.#firstByte = handed.firstByte
    this.#remainingLength = handed.remainingLength
    this.#remainingLengthBytes = handed.remainingLengthBytes
    this.#partial = handed.partial && PartialPacket.from(handed.partial)
    this.#share = handed.share
    this.#holdShare()
  }

  handOver(): DecoderRecord {
    return {
      version: RECORD_VERSION,
      state: this.#state,
      firstByte: this.#firstByte,
      remainingLength: this.#remainingLength,
      remainingLengthBytes: this.#remainingLengthBytes,
      alwaysTaken: this.#alwaysTaken,
      partial: this.#partial?.handOver(),
      share: this.#share,
    }
  }

  takeBack(): void {
    this.#holdShare()
  }

  redirect(next: PacketReceiver): void {
    this.#next = next
    this.#takesRuns = next.publishRun !== undefined
    this.#takesAcknowledgements = next.acknowledge !== undefined
  }

  bytes(chunk: Uint8Array): number {
    const connection = this.#connection
    const buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let position = 0
    this.#frameStart = -1
    this.#singlyUntil = 0
    this.#chunk = buffer
    while (position < buffer.length && connection.open) {
      if (connection.paused) return position
      switch (this.#state) {
        case State.FirstByte:
          position = this.#takeFirstByte(buffer, position)
          break
        case State.RemainingLength:
          position = this.#takeRemainingLength(buffer, position)
          break
        case State.Body:
          position = this.#takeBody(buffer, position)
          break
        case State.Failed:
          return buffer.length
      }
    }
    this.#chunk = undefined
    return buffer.length
  }

  readBuffer(): Buffer | undefined {
    const memory = this.#partial?.freeMemory
    return memory !== undefined && memory.length >= MINIMUM_READ_BYTES ? memory : undefined
  }

  bytesRead(length: number): void {
    const partial = this.#partial
    if (partial === undefined) return
    partial.bytesRead(length)
    this.#takeWhole(partial)
  }

  closed(): void {
    this.#state = State.Failed
    this.#dropPartial()
  }

  refusePartial(): void {
    const { partials, name } = this.#shared
    const { maximumBytes } = partials
    const setting = `${name}.maximumTotalPartialBytes`
    const message = `The packets of all clients that came in part take more than ${maximumBytes} bytes (${setting}).`
    this.#fail(refusal(ReasonCode.QuotaExceeded, message), NOTHING)
  }

  #takeFirstByte(buffer: Buffer, position: number): number {
    const firstByte = buffer[position]!
    const { protocolVersion } = this.#connection
    if (protocolVersion !== 0 && this.#takesAcknowledgements) {
      const end = this.#takeAcknowledgements(buffer, position)
      if (end > position) return end
    }
    this.#frameStart = position
    this.#firstByte = protocolVersion === 3 ? withoutUnusedFlags(firstByte) : firstByte
    const error = checkFirstByte(firstByte, protocolVersion)
    if (error !== undefined) return this.#fail(error, buffer)
    this.#remainingLength = 0
    this.#remainingLengthBytes = 0
    this.#state = State.RemainingLength
    return position + 1
  }

  /** Takes acknowledgements of one type that lie one behind the other. @returns where they end. */
  #takeAcknowledgements(buffer: Buffer, start: number): number {
    const type = acknowledgementAt(buffer, start, buffer.length)
    if (type === 0) return start
    const limit = start + MAXIMUM_ACKNOWLEDGEMENTS * ACKNOWLEDGEMENT_BYTES
    let position = start
    for (let isLast = false; !isLast && this.#connection.open; ) {
      const packetIdentifier = (buffer[position + 2]! << 8) | buffer[position + 3]!
      position += ACKNOWLEDGEMENT_BYTES
      isLast = position >= limit || acknowledgementAt(buffer, position, buffer.length) !== type
      this.#next.acknowledge!(type, packetIdentifier, isLast)
    }
    return position
  }

  #takeRemainingLength(buffer: Buffer, position: number): number {
    const byte = buffer[position]!
    this.#remainingLength |= (byte & 0x7f) << (7 * this.#remainingLengthBytes)
    this.#remainingLengthBytes += 1
    if (byte >= 0x80) {
      if (this.#remainingLengthBytes < 4) return position + 1
      return this.#fail(malformedPacket('The Remaining Length is over four bytes long.'), buffer)
    }
    if (byte === 0 && this.#remainingLengthBytes > 1) {
      return this.#fail(malformedPacket('The Remaining Length is encoded too long.', 'MQTT-1.5.5-1'), buffer)
    }
    const size = 1 + this.#remainingLengthBytes + this.#remainingLength
    if (size > this.#alwaysTaken) {
      const error = this.#shared.checkSize(size, this.#connection)
      if (error !== undefined) return this.#fail(error, buffer, position + 1)
    }
    this.#state = State.Body
    if (this.#remainingLength === 0) this.#takePacket(buffer, position + 1, position + 1)
    return position + 1
  }

  #takeBody(buffer: Buffer, position: number): number {
    const end = position + this.#remainingLength
    if (this.#partial === undefined) {
      if (end <= buffer.length) {
        return this.#takePacket(buffer, position, end)
      }
      this.#partial = new PartialPacket(this.#firstByte, this.#remainingLength)
    }
    const partial = this.#partial
    const capacity = partial.capacityFor(buffer.length - position)
    if (capacity > (this.#share?.bytes ?? 0)) {
      this.#share ??= { holder: this, bytes: 0 }
      this.#shared.partials.hold(this.#share, capacity)
    }
    // It may have been refused.
    if (this.#partial === undefined) return buffer.length
    const taken = partial.append(buffer, position)
    this.#takeWhole(partial)
    return taken
  }

  #dropPartial(): void {
    this.#partial = undefined
    const share = this.#share
    this.#share = undefined
    if (share !== undefined) this.#shared.partials.hold(share, 0)
  }

  #holdShare(): void {
    if (this.#share !== undefined) this.#share.holder = this
  }

  /** Takes the packet that came in pieces, when all of it is there. */
  #takeWhole({ whole, bodyStart }: PartialPacket): void {
    if (whole === undefined) return
    this.#dropPartial()
    this.#frameStart = 0
    this.#takePacket(whole, bodyStart, whole.length)
  }

  /**
   * Checks, reads and passes on the packet whose body lies from `start` up to `end`, and those behind it that say the same.
   * @returns where the next one begins.
   */
  #takePacket(buffer: Buffer, start: number, end: number): number {
    const connection = this.#connection
    const { reader } = this.#shared
    const firstByte = this.#firstByte
    this.#state = State.FirstByte
    reader.open(buffer, start, end, connection.protocolVersion)
    const error = checkPacket(firstByte, reader)
    if (error === undefined && firstByte >> 4 === PacketType.Publish) {
      const { publish } = this.#shared
      const message = readPublish(firstByte, reader, publish, this.#shared.message, this.#shared.nowMs)
      reader.close()
      if (this.#frameStart >= 0) {
        noteFrame(publish, message, this.#frameStart, end, connection.protocolVersion)
        // A packet that came in pieces has memory of its own.
        message.owned = buffer !== this.#chunk
      }
      return this.#passOn(publish, buffer, end)
    }
    const version = reader.protocolVersion
    // A CONNECT packet brings the version; also one that is refused, for the answer's form.
    if (version !== connection.protocolVersion) {
      connection.protocolVersion = version
      connection.maximumPacketSize = reader.maximumPacketSize // [MQTT-3.2.2-19]
    }
    let packet: ControlPacket | undefined
    if (error === undefined) {
      reader.position = start
      packet = readPacket(firstByte, reader)
    }
    reader.close()
    if (packet === undefined) return this.#fail(error ?? malformedPacket('The packet cannot be read.'), buffer, start)
    this.#next.packet(packet)
    return end
  }

  /** Passes on a PUBLISH packet, and with it the run that it begins. @returns where the next packet begins. */
  #passOn(publish: Publish, buffer: Buffer, end: number): number {
    if (this.#takesRuns && publish.message.frameEnd === end && end < buffer.length && end >= this.#singlyUntil) {
      const { run } = this.#shared
      if (run.gather(publish, buffer.length, this.#connection.maximumIncomingPacketSize)) {
        if (this.#next.publishRun?.(run) === true) return run.end
        this.#singlyUntil = run.end
      }
    }
    this.#next.publish(publish)
    return end
  }

  /**
   * @param bodyStart where the body of the packet begins in the buffer, if that is known.
   * @returns the end of the buffer: nothing in it is looked at any more.
   */
  #fail(error: ProtocolError, buffer: Buffer, bodyStart = -1): number {
    this.#state = State.Failed
    this.#dropPartial()
    const isFirst = this.#connection.protocolVersion === 0 || this.#firstByte >> 4 === PacketType.Connect
    this.#next.fail?.(isFirst ? describeConnectError(error, buffer, this.#frameStart, bodyStart) : error)
    return buffer.length
  }
}

/** Notes where the packet lies, if it may begin a run, and whether it can go out as it came in. */
const noteFrame = (
  publish: Publish,
  message: MessageFields,
  start: number,
  end: number,
  version: ProtocolVersion | 0,
): void => {
  if (publish.qos === 2 || publish.topicAlias !== 0 || publish.messageExpiryInterval >= 0) return
  message.frameStart = start
  message.frameEnd = end
  if (publish.qos === 0) message.frameVersion = version === 5 ? 5 : 4
}
