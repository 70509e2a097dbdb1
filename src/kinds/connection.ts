import type { ProtocolVersion } from '../mqtt/protocol-version.ts'
import type { Peer } from './peer.ts'

/** How a network connection ended. */
export interface ConnectionEnd {
  /**
   * `client`: it closed its side in order. `network`: the connection was reset or lost. `broker`: a stage or the transport
   * closed it or cut it off.
   */
  readonly by: 'client' | 'network' | 'broker'
  /** For the log, in a few words. */
  readonly reason: string
}

/**
 * One network connection as the stages of a pipeline see it. The server (or another transport) creates it; it outlives
 * none of them. All methods are synchronous and none of them throws.
 */
export interface Connection {
  /** Unique within its transport, counted up from 1. */
  readonly id: number
  /** Where the connection comes from. */
  readonly peer: Peer
  /** 0 until the decoder has read a CONNECT, which sets it. */
  protocolVersion: ProtocolVersion | 0
  /**
   * The largest packet that the peer takes, in bytes: the decoder sets it from CONNECT, also from one that it refuses, and
   * the encoder keeps to it. Infinity until then.
   */
  maximumPacketSize: number
  /** The largest packet that is taken from the peer, in bytes: the decoder sets it when it opens. Infinity until then. */
  maximumIncomingPacketSize: number
  /**
   * True while the peer has yet to prove who it is by AUTH packets: the decoder takes no larger packets than CONNECT may be.
   * The handler sets it.
   */
  authenticating: boolean
  /** Bytes accepted by `write` that the operating system has not taken yet. */
  readonly pendingBytes: number
  /**
   * True from when `pendingBytes` is over the transport's bound until half of the bound is left. Then whoever may drop
   * (QoS 0) drops and counts, and whoever may not drop waits. The peer is still read, since a slow one that sends PINGREQ
   * is alive, until twice the bound is pending: then it asks without reading the answers.
   */
  readonly congested: boolean
  /** False from the first `close` or loss of the network on; what is written then is discarded. */
  readonly open: boolean
  /** Set from the moment on that `open` is false. */
  readonly end: ConnectionEnd | undefined
  /** Bytes that have come from the peer so far. */
  readonly bytesReceived: number
  /** True from `pause` to `resume`: no packet of the peer passes the decoder. */
  readonly paused: boolean
  /**
   * Queues bytes; everything queued within one turn of the event loop leaves in one write. The bytes are not copied: they
   * must not change afterwards.
   */
  write(bytes: Uint8Array): void
  /**
   * The same for a part of some bytes, which must not change before this turn of the event loop ends.
   * @param source may also be the chunk that a decoder has at the moment, although the next read overwrites it: that very
   * object, and not a view of it.
   */
  forward(source: Uint8Array, start: number, end: number): void
  /** Reads nothing more from the peer, from the end of the current packet on: whoever has to wait for something says so. */
  pause(): void
  /** Reads on, not before the end of this turn of the event loop. */
  resume(): void
  /**
   * Charges the peer for work that its last packet has caused for others, in units of about 0.2 µs: 1 for each message delivered
   * at QoS 0, and more for large ones, about 1 for each KiB that each subscriber is sent. If the work of the turn of the event
   * loop is used up, or if the transport has too much to send already, the decoder stops after the packet, and the peer is read
   * on in a later turn, or when there is room again. `paused` is true meanwhile.
   */
  chargeWork(units: number): void
  /**
   * Charges the peer for reading and answering a packet, in the same units. Unlike `chargeWork` it does not look at what the
   * transport has to send.
   */
  chargePacket(units: number): void
  /**
   * Sends what was written, then closes; a peer that takes too long is cut off. Nothing that still arrives is read.
   * @param reason for the log, in a few words: `client sent DISCONNECT`.
   */
  close(reason: string): void
}
