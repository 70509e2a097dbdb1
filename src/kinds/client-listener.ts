import type { ProtocolVersion } from '../mqtt/protocol-version.ts'
import type { ConnectionEnd } from './connection.ts'
import type { Peer } from './peer.ts'

/** A connected client, without its session. */
export interface ClientSummary {
  /** The Client Identifier. */
  readonly id: string
  /** The user that authentication found, else the User Name of CONNECT, which is not verified. Undefined if there is none. */
  readonly userName: string | undefined
  /** The other side of its network connection. */
  readonly peer: Peer
  readonly protocolVersion: ProtocolVersion
  /** When its CONNECT was accepted, in milliseconds since 1970. */
  readonly connectedAtMs: number
  /** In seconds; 0 is none. */
  readonly keepAliveSeconds: number
  /** Bytes that it was sent and that the operating system has not taken yet. */
  readonly pendingBytes: number
  /** Bytes that came from it since it connected. */
  readonly bytesReceived: number
}

/** How a client was accepted. */
export interface ClientStart {
  /** Clean Start of MQTT 5.0; Clean Session before. */
  readonly cleanStart: boolean
  /** Session Present of CONNACK. */
  readonly sessionPresent: boolean
  /** Session Expiry Interval as it was granted, in seconds. */
  readonly expiryIntervalSeconds: number
}

/** How the connection of an accepted client ended. */
export interface ClientFinish extends Pick<ConnectionEnd, 'by'> {
  /**
   * The Reason Code of the client's DISCONNECT, 0 for MQTT 3, or the one that the broker has for the client, also if its version
   * cannot tell it. Undefined if the connection was closed or lost without one.
   */
  readonly reasonCode: number | undefined
  /** For people, in a few words: `silent for 1.5 times the Keep Alive`. */
  readonly why: string
}

/**
 * Takes the events of clients. It is called in the turn in which they happen, between the packets of other clients, and must be
 * quick: what takes time belongs into a queue with a bound. What it throws is logged.
 */
export interface ClientListener {
  /** A client was accepted. Its CONNACK is sent, or waits for the store. */
  connected?(client: ClientSummary, start: ClientStart): void
  /** The connection of an accepted client has ended, and what becomes of its session and Will is decided. */
  disconnected?(client: ClientSummary, finish: ClientFinish): void
}
