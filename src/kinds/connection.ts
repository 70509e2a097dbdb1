import type { ProtocolVersion } from '../mqtt/protocol-version.ts'
import type { ListenerOptions } from './listener-options.ts'
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
 * One network connection, for the stages of a pipeline. The server creates it for each connection of a transport, and it ends
 * before its stages. All methods are synchronous and do not throw.
 */
export interface Connection {
  /** Unique within its transport, counted up from 1. */
  readonly id: number
  /** Where the connection comes from. */
  readonly peer: Peer
  /** The options of the listener that it came from. */
  readonly listener: ListenerOptions
  /** 0 until the decoder has read a CONNECT, which sets it. */
  protocolVersion: ProtocolVersion | 0
  /**
   * The Client Identifier of the peer, for stages that have not seen its CONNECT: as CONNECT has it, or as the handler assigned it. The
   * handler sets it; undefined until then.
   */
  clientId: string | undefined
  /**
   * The largest packet that the peer takes, in bytes: the decoder sets it from CONNECT, also from one that it refuses, and
   * the encoder keeps to it. Infinity until then.
   */
  maximumPacketSize: number
  /** The largest packet that is taken from the peer, in bytes: the decoder sets it when it opens. Infinity until then. */
  maximumIncomingPacketSize: number
  /**
   * True while the peer is authenticated by AUTH packets. The decoder accepts no packets larger than the limit for CONNECT
   * meanwhile. The handler sets it.
   */
  authenticating: boolean
  /** Bytes accepted by `write` that the operating system has not taken yet. */
  readonly pendingBytes: number
  /**
   * True from the time at which `pendingBytes` exceeds the bound of the server until half of the bound is left. Meanwhile
   * messages at QoS 0 are dropped and counted, and other messages wait. The peer is still read, since a slow peer that sends
   * PINGREQ is alive. At twice the bound the server stops reading from the peer, which requests more than it reads.
   */
  readonly congested: boolean
  /** False after the first `close` or the loss of the network. Later writes are discarded. */
  readonly open: boolean
  /** Set from the moment on that `open` is false. */
  readonly end: ConnectionEnd | undefined
  /** Bytes that have come from the peer so far. */
  readonly bytesReceived: number
  /** True from `pause` to `resume`: no packet of the peer passes the decoder. */
  readonly paused: boolean
  /**
   * Queues bytes. All bytes that are queued within one turn of the event loop are sent in one write. The bytes are not copied
   * and must not change afterwards.
   */
  write(bytes: Uint8Array): void
  /**
   * The same for a part of some bytes, which must not change before this turn of the event loop ends.
   * @param source may also be the chunk that the decoder is reading, although the next read overwrites it. It must then be that
   * object itself, not a view of it.
   */
  forward(source: Uint8Array, start: number, end: number): void
  /** Stops reading from the peer at the end of the current packet. A stage that has to wait calls it. */
  pause(): void
  /** Reads again, not before the end of this turn of the event loop. */
  resume(): void
  /**
   * Charges the peer for work that its last packet caused for other clients, in units of about 0.2 µs: 1 for each delivery at
   * QoS 0, and about 1 more for each KiB of it. If the work of the turn of the event loop is used up, or if the server has too much
   * to send to all peers and this peer has caused more than a little work since then, the decoder stops after the packet. The
   * peer is read again in a later turn, or when there is room. `paused` is true meanwhile.
   */
  chargeWork(units: number): void
  /**
   * Charges the peer for reading and answering a packet, in the same units. Unlike `chargeWork` it does not look at what the
   * transport has to send.
   */
  chargePacket(units: number): void
  /** Whether its address has been banned since it was accepted: what the client proves now does not count. */
  readonly banned: boolean
  /** Notes that the client failed to authenticate. An address whose clients fail again and again is banned for a time. */
  noteFailedAuthentication(): void
  /**
   * Sends what was written, then closes. If the peer takes too long, the connection is cut off. Packets that still arrive are
   * discarded.
   * @param reason for the log, in a few words: `client sent DISCONNECT`.
   */
  close(reason: string): void
}
