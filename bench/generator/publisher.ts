import type { Qos, Version } from '../plan.ts'
import { Client, type Target } from './client.ts'
import type { ClosedLoop } from './closed-loop.ts'
import type { Meter } from './meter.ts'
import { encodePublish, PacketType } from './packets.ts'

/** Packets that one write carries at least, unless they are large; what one turn of the event loop may need. */
const minimumReelBytes = 65_536
const maximumPacketIds = 65_535

export interface Publication {
  /** Its number among all publishers of the run; goes into every message. */
  readonly stream: number
  readonly topics: readonly string[]
  readonly qos: Qos
  readonly payloadBytes: number
  readonly userProperties: number
  /** Subscribers that get each message; 0 when they are away. */
  readonly subscribers: number
  /** Messages on their way at most; unbounded in the open loop. */
  readonly window: number
}

/**
 * Publishes from a reel: prepared packets, one behind the other. Stamp and Packet Identifier are written into them before
 * several of them go to the socket in one write.
 */
export class Publisher extends Client {
  readonly stream: number
  /** Messages sent, which is the sequence number of the next one. */
  sent = 0
  readonly #subscribers: number
  readonly #window: number
  readonly #loop: ClosedLoop

  // The reel: packets of the same length.
  #reel: Buffer
  readonly #packetBytes: number
  readonly #idOffset: number
  readonly #payloadOffset: number
  #cursor = 0
  #flushed = 0

  /** Deliveries accounted for, of all messages to all subscribers. */
  #accounted = 0
  /** Whether it waits for the end of the turn, when it sends. */
  queued = false

  // Acknowledgements; unused at QoS 0.
  readonly #qos: Qos
  readonly #idInUse: Uint8Array
  /** In the open loop, by Packet Identifier: when its message was meant to leave. */
  readonly #intendedMs: Float64Array | undefined
  #lastId = 0
  #inFlight = 0
  #releases: number[] = []

  constructor(target: Target, version: Version, meter: Meter, publication: Publication, loop: ClosedLoop) {
    super(target, version, meter)
    this.stream = publication.stream
    this.#subscribers = publication.subscribers
    this.#window = publication.window
    this.#loop = loop
    this.#qos = publication.qos
    this.#idInUse = new Uint8Array(publication.qos === 0 ? 0 : maximumPacketIds + 1)
    const isOpenLoop = !Number.isFinite(publication.window)
    if (isOpenLoop && publication.qos > 0) this.#intendedMs = new Float64Array(maximumPacketIds + 1)
    const { topics } = publication
    const first = encodePublish({ ...publication, version, topic: topics[0]! })
    this.#packetBytes = first.bytes.length
    this.#idOffset = first.idOffset
    this.#payloadOffset = first.payloadOffset
    const window = Number.isFinite(publication.window) ? publication.window : 1
    const wanted = Math.max(topics.length, window, minimumReelBytes / this.#packetBytes)
    const rounds = Math.ceil(wanted / topics.length)
    const packets = topics.map((topic) => encodePublish({ ...publication, version, topic }).bytes)
    this.#reel = Buffer.concat(Array.from({ length: rounds }, () => packets).flat())
    if (this.#reel.length % this.#packetBytes !== 0) throw new Error('the topics are not equally long')
  }

  /** How many messages it may send now, in the closed loop. */
  get credit(): number {
    const onTheWay = this.sent - Math.floor(this.#accounted / this.#subscribers)
    return this.#window - Math.max(onTheWay, this.#inFlight)
  }

  /** Whether no message is on its way and none waits for an acknowledgement. */
  get idle(): boolean {
    return this.#accounted >= this.sent * this.#subscribers && this.#inFlight === 0
  }

  /** Messages whose acknowledgement did not come. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Reports deliveries of its messages that came, or will never come. */
  settle(deliveries: number): void {
    this.#accounted += deliveries
    this.#loop.wake(this)
  }

  /**
   * Sends messages, stamped with the time that they are meant to leave at. @returns how many: fewer only if Packet Identifiers
   * are missing.
   */
  send(count: number, intendedMs: number): number {
    for (let done = 0; done < count; done++) {
      if (this.#qos > 0 && this.#inFlight >= maximumPacketIds) {
        this.flush()
        return done
      }
      this.stamp(intendedMs)
    }
    this.flush()
    return count
  }

  /** Prepares the next message, to leave with the next flush. */
  stamp(intendedMs: number): void {
    if (this.#cursor === this.#reel.length) this.flush()
    this.#claim()
    const start = this.#cursor
    const reel = this.#reel
    if (this.#qos > 0) reel.writeUInt16BE(this.#takeId(intendedMs), start + this.#idOffset)
    const payload = start + this.#payloadOffset
    reel.writeUInt32BE(this.stream, payload)
    reel.writeUInt32BE(this.sent >>> 0, payload + 4)
    reel.writeDoubleBE(intendedMs, payload + 8)
    this.#cursor += this.#packetBytes
    this.sent += 1
    this.meter.published += 1
  }

  flush(): void {
    if (this.#cursor > this.#flushed) this.socket.write(this.#reel.subarray(this.#flushed, this.#cursor))
    this.#flushed = this.#cursor
    if (this.#cursor === this.#reel.length) {
      this.#cursor = 0
      this.#flushed = 0
    }
  }

  override acknowledged(type: number, packetId: number, reasonCode: number): void {
    const last = this.#qos === 1 ? PacketType.PUBACK : PacketType.PUBCOMP
    if (reasonCode >= 0x80 || this.#idInUse[packetId] !== 1) {
      this.meter.faults.wrongAcknowledgements += 1
      return
    }
    if (type === last) {
      this.#idInUse[packetId] = 0
      this.#inFlight -= 1
      this.meter.acknowledged += 1
      if (this.#intendedMs !== undefined) this.meter.completed(this.#intendedMs[packetId]!)
      this.#loop.wake(this)
    } else if (type === PacketType.PUBREC && this.#qos === 2) {
      this.#releases.push(packetId)
    } else {
      this.meter.faults.wrongAcknowledgements += 1
    }
  }

  protected override endChunk(): void {
    if (this.#releases.length === 0) return
    const packets = Buffer.allocUnsafe(this.#releases.length * 4)
    for (const [index, packetId] of this.#releases.entries()) {
      packets.writeUInt16BE((PacketType.PUBREL << 12) | 0x0202, index * 4)
      packets.writeUInt16BE(packetId, index * 4 + 2)
    }
    this.#releases = []
    this.socket.write(packets)
  }

  /**
   * Before a packet of the reel is written to. In a closed loop what it held before has arrived, since the reel is as long
   * as the window; otherwise the socket may not have taken it yet, and the reel is left to the socket.
   */
  #claim(): void {
    const before = this.sent - this.#reel.length / this.#packetBytes
    if (this.#accounted <= before * this.#subscribers && this.socket.writableLength > 0) {
      this.#reel = Buffer.from(this.#reel)
    }
  }

  #takeId(intendedMs: number): number {
    do {
      this.#lastId = this.#lastId === maximumPacketIds ? 1 : this.#lastId + 1
    } while (this.#idInUse[this.#lastId] === 1)
    this.#idInUse[this.#lastId] = 1
    if (this.#intendedMs !== undefined) this.#intendedMs[this.#lastId] = intendedMs
    this.#inFlight += 1
    return this.#lastId
  }
}
