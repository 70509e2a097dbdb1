import type { Packet } from 'mqtt-packet'
import type { ProtocolError } from '../mqtt/protocol-error.ts'
import { kind } from '../system/kind.ts'
import type { Connection } from './connection.ts'

/**
 * The pipeline of a connection is a line of stages: bytes from the network enter the first one, what a stage passes on
 * enters the next one, and the bytes of the last one go back to the network:
 *
 *     bytes → decoder → packets → (filters) → handler → packets → (filters) → encoder → bytes
 *
 * A stage component is shared by all connections; `open` makes its part for one connection. Everything is synchronous:
 * a stage calls the next one before it returns. A stage that throws loses its connection, and nothing else.
 */
export type PipelineStage = DecoderStage | FilterStage | HandlerStage | EncoderStage

export const PipelineStage = kind<PipelineStage>()('PipelineStage')

/** Bytes to packets. */
export interface DecoderStage {
  readonly role: 'decoder'
  open(connection: Connection, next: PacketReceiver): ByteReceiver
}

/** Looks at packets, changes them or holds them back, on either side of the handler. */
export interface FilterStage {
  readonly role: 'filter'
  open(connection: Connection, next: PacketReceiver): PacketReceiver
}

/** Answers packets by the rules of MQTT; what it sends to its peer goes to `next`, now or at any later time. */
export interface HandlerStage {
  readonly role: 'handler'
  open(connection: Connection, next: PacketReceiver): PacketReceiver
}

/** Packets to bytes. */
export interface EncoderStage {
  readonly role: 'encoder'
  open(connection: Connection, next: ByteReceiver): PacketReceiver
}

export interface ByteReceiver {
  /** Takes bytes. They are lent: whoever keeps them copies them. */
  bytes(chunk: Uint8Array): void
  /** The connection is gone; the last call. A stage releases what it holds for it; the server calls this on every stage. */
  closed?(): void
}

export interface PacketReceiver {
  /**
   * Takes one legal packet. Buffers in a packet from the decoder are lent for the call. A PUBLISH that was sent towards an
   * encoder must not be changed afterwards, nor its object used again: an encoder may know it by identity.
   */
  packet(packet: Packet): void
  /**
   * The peer broke the protocol: the last call before `closed`. Filters pass it on; the handler answers as the
   * specification says and closes the connection. An encoder is never called with it.
   */
  fail?(error: ProtocolError): void
  /** The connection is gone; the last call. A stage releases what it holds for it; the server calls this on every stage. */
  closed?(): void
}
