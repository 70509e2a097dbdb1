import type { Connection } from '../../src/kinds/connection.ts'
import { Message } from '../../src/mqtt/message.ts'
import { PacketReader } from '../../src/mqtt/packet-reader.ts'
import type { ProtocolError } from '../../src/mqtt/protocol-error.ts'
import { Publish } from '../../src/mqtt/publish.ts'
import { PublishRun } from '../../src/mqtt/publish-run.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { refusal } from '../../src/mqtt/refusal.ts'
import { PartialMemory } from './partial-memory.ts'
import { type Clock, steadyClock } from './read-publish.ts'

/** Largest packets taken, in bytes and with their fixed header. */
export interface PacketSizeLimits {
  readonly maximumPacketSize: number
  /** The limit until the client is accepted: for CONNECT and the AUTH packets that follow it, which any peer can send. */
  readonly maximumConnectPacketSize: number
  /** What packets that came in part may take in memory, of all connections together; no limit when it is left out. */
  readonly maximumTotalPartialBytes?: number
  /** Topic Filters in one packet; no limit unless told otherwise. */
  readonly maximumFilters?: number
}

/** What the decoders of all connections share. All parts are idle between two packets. */
export class SharedDecoding {
  readonly reader = new PacketReader()
  /** Reused and lent. */
  readonly publish = new Publish()
  readonly message = new Message()
  readonly run = new PublishRun()
  limits: PacketSizeLimits
  readonly partials: PartialMemory
  readonly nowMs: Clock
  /** The name of the decoder in the system, where its limits can be changed. */
  readonly name: string

  /** @param nowMs asked for messages with a Message Expiry Interval alone. */
  constructor(limits: PacketSizeLimits, nowMs: Clock = steadyClock, name = 'mqttDecoder') {
    this.limits = limits
    this.partials = new PartialMemory(Number.POSITIVE_INFINITY)
    this.nowMs = nowMs
    this.name = name
    this.limit(limits)
  }

  /** Sets other limits. A connection that is open keeps the sizes of packets with which it was opened. */
  limit(limits: PacketSizeLimits): void {
    this.limits = limits
    this.partials.maximumBytes = limits.maximumTotalPartialBytes ?? Number.POSITIVE_INFINITY
    this.reader.maximumFilters = limits.maximumFilters ?? Number.POSITIVE_INFINITY
  }

  /**
   * Checks the size of a packet, in bytes and with its fixed header, before anything of its body is kept. A client that is accepted
   * is held to the Maximum Packet Size that CONNACK told it.
   */
  checkSize(
    size: number,
    { protocolVersion, authenticating, maximumIncomingPacketSize, listener, peer }: Connection,
  ): ProtocolError | undefined {
    const isAccepted = protocolVersion !== 0 && !authenticating
    const key = isAccepted ? 'maximumPacketSize' : 'maximumConnectPacketSize'
    const limit = isAccepted ? maximumIncomingPacketSize : this.limits[key]
    if (size <= limit) return undefined
    const owner = isAccepted && listener.maximumPacketSize !== undefined ? peer.listener : this.name
    const message = `The packet has ${size} bytes, more than ${owner}.${key} (${limit}) allows.`
    return refusal(ReasonCode.PacketTooLarge, message, 'MQTT-3.2.2-15')
  }
}
