import type { IConnectPacket, IPublishPacket, Packet } from 'mqtt-packet'
import type { Acknowledgement } from '../mqtt/acknowledgement.ts'
import type { ProtocolError } from '../mqtt/protocol-error.ts'
import type { Publish } from '../mqtt/publish.ts'
import type { PublishRun } from '../mqtt/publish-run.ts'
import { kind } from '../system/kind.ts'
import type { Connection } from './connection.ts'
import type { ListenerAuthentication } from './listener-authentication.ts'
import type { ListenerOptions } from './listener-options.ts'

/**
 * The pipeline of a connection is a line of stages: bytes from the network enter the first one, what a stage passes on
 * enters the next one, and the bytes of the last one go back to the network:
 *
 *     bytes → decoder → packets → (filters) → handler → packets → (filters) → encoder → bytes
 *
 * A stage component is shared by all connections; `open` makes its part for one connection. Everything is synchronous: a stage
 * calls the next one before it returns. If a stage throws, its connection is closed; other connections are not affected.
 */
export type PipelineStage = DecoderStage | FilterStage | HandlerStage | EncoderStage

/**
 * The kind of all stages. A component says which of them it provides by one of the four kinds below, which have the same name:
 * the check of the config then finds an incomplete pipeline before anything starts.
 */
export const PipelineStage = kind<PipelineStage>()('PipelineStage')
export const DecoderStage = kind<DecoderStage>()('PipelineStage', { variant: 'decoder' })
export const FilterStage = kind<FilterStage>()('PipelineStage', { variant: 'filter' })
export const HandlerStage = kind<HandlerStage>()('PipelineStage', { variant: 'handler' })
export const EncoderStage = kind<EncoderStage>()('PipelineStage', { variant: 'encoder' })

/** Bytes to packets. */
export interface DecoderStage {
  readonly role: 'decoder'
  /**
   * Names the form of what its ends hand over (`StageEnd.handOver`). An end continues from that of another instance only if both have the
   * same. A filter without it is opened without the state of its predecessor. Optional.
   */
  readonly format?: string
  /** @param handed what `StageEnd.handOver` of the predecessor returned, when a reset opens the pipeline of a live connection anew. */
  open(connection: Connection, next: PacketReceiver, handed?: unknown): DecoderInput
}

/**
 * Observes, changes or drops packets, on either side of the handler.
 *
 * A PUBLISH packet and its message are read-only. A filter changes a packet by `next.publish(publish.with({ payload }))`. The
 * new packet is encoded separately for each of its receivers. A filter that changes packets must omit both methods for runs. It
 * must not drop a PUBLISH that introduces a Topic Alias (one with both a `topicAlias` and its Topic Name), since later packets
 * have only the alias. It cannot change the topic of these (`omitsTopic`): their alias means the topic that the filter gave to
 * the first packet.
 *
 * A control packet is an object of its own, which a filter may change in place.
 */
export interface FilterStage {
  readonly role: 'filter'
  /** As for a decoder. */
  readonly format?: string
  /** @param handed as for a decoder. A filter that was not there before gets undefined, in the middle of a connection. */
  open(connection: Connection, next: PacketReceiver, handed?: unknown): PacketReceiver
  /**
   * For a filter of both directions: it is listed once, before the handler, and this opens its part behind the handler, for the packets
   * to the peer. Called before `open`. Filters with this method are in the reverse order there, before those that are listed behind the
   * handler. Not called for a filter that is listed behind the handler itself. Optional.
   */
  openOutgoing?(connection: Connection, next: PacketReceiver, handed?: unknown): PacketReceiver
}

/** Answers packets by the rules of MQTT; packets to its peer go to `next`, now or later. */
export interface HandlerStage {
  readonly role: 'handler'
  /** As for a decoder. */
  readonly format?: string
  /**
   * How it authenticates the clients of a listener with these options. If it is left out, the server takes it that nothing is
   * checked.
   */
  authenticationOf?(listener: ListenerOptions): ListenerAuthentication
  /** @param handed as for a decoder. */
  open(connection: Connection, next: PacketReceiver, handed?: unknown): PacketReceiver
}

/** Packets to bytes. */
export interface EncoderStage {
  readonly role: 'encoder'
  /** As for a decoder. */
  readonly format?: string
  /** @param handed as for a decoder. */
  open(connection: Connection, next: ByteReceiver, handed?: unknown): PacketReceiver
}

export interface ByteReceiver {
  /** Takes bytes, which never change: they may be kept. */
  bytes(chunk: Uint8Array): void
  /**
   * Takes a part of some bytes, which stay as they are until this turn of the event loop ends.
   * @param source may also be the chunk that a decoder has at the moment, although the next read overwrites it: that very
   * object, and not a view of it.
   */
  forward(source: Uint8Array, start: number, end: number): void
}

/** Where the bytes from the network go in. */
export interface DecoderInput extends StageEnd {
  /**
   * Takes bytes. They are lent for the call: copy what you keep. A message that lies in them has the chunk itself as its
   * `bytes`, and not a view of it, so that the server knows what is forwarded from there.
   * @returns how many were taken. Fewer than there are when the connection was paused meanwhile: it stops after the packet that
   * did it, and the transport offers the rest again when the connection is resumed.
   */
  bytes(chunk: Uint8Array): number
  /**
   * Where the next bytes may be written to instead, which saves a copy of them: the memory of a packet that comes in pieces,
   * when much of it is free. Valid until the next call of the decoder. Optional.
   */
  readBuffer?(): Buffer | undefined
  /** So many bytes were written to the start of what `readBuffer` returned last. The connection is not paused. */
  bytesRead?(length: number): void
}

/** Every MQTT Control Packet but PUBLISH, in mqtt-packet's form. */
export type ControlPacket = Exclude<Packet, IPublishPacket | IConnectPacket> | ConnectPacket

export interface ConnectPacket extends IConnectPacket {
  /**
   * The Properties of the Will that are forwarded unaltered, encoded as in `Message.properties`: the object form in `will`
   * loses the order of User Properties [MQTT-3.1.3-10]. Lent, like all buffers of the packet.
   */
  willProperties?: Buffer
}

export interface PacketReceiver extends StageEnd {
  /** Takes one legal packet. Buffers in a packet from the decoder are lent for the call. */
  packet(packet: ControlPacket): void
  /**
   * Takes a PUBLISH packet, which has a form of its own for speed. It is read-only, and lent for the call with its contents:
   * `publish.with({})` is a copy that may be kept.
   */
  publish(publish: Publish): void
  /**
   * Takes PUBLISH packets that differ only in their payloads, all of them or none. The run is lent for the call. Omit this
   * method to receive single packets.
   * @returns false if it took none: each packet follows by `publish`. A filter either returns false at once, or calls the next
   * stage first and returns its result. A filter that looks at the packets before that gets those again that the next stages leave:
   * all of them, or the last ones if the run has become shorter (`limit`).
   */
  publishRun?(run: PublishRun): boolean
  /**
   * The same towards a client, at QoS 1; from a client a run at QoS 1 comes by `publishRun`.
   * @param packetIdentifiers those that the packets have towards this client, in their order; lent.
   */
  publishIdentifiedRun?(run: PublishRun, packetIdentifiers: Uint16Array): boolean
  /**
   * Takes a PUBACK, PUBREC, PUBREL or PUBCOMP packet with Reason Code Success and no Properties, which needs no object. Omit
   * this method to receive these packets by `packet`, like all others.
   * @param isLast false when another one of this type follows at once, by the next call.
   */
  acknowledge?(type: Acknowledgement, packetIdentifier: number, isLast: boolean): void
  /**
   * The peer violated the protocol: the last call before `closed`. The handler answers as the specification says and closes the
   * connection. A filter that has this method passes the error on; without it the error goes directly to the next stage. An
   * encoder is never called with it.
   */
  fail?(error: ProtocolError): void
}

/** Events that the server reports to every stage of a connection, in the order of the pipeline. */
export interface StageEnd {
  /** The connection is not congested any more. Messages that waited can be sent. */
  drained?(): void
  /**
   * Whether an exchange with the peer is under way that would have to be repeated over the next connection, such as an acknowledgement
   * that is not sent or has not come. A server that stops waits for it, up to its deadline.
   */
  unfinished?(): boolean
  /** The server stops and closes the connection next. The handler sends DISCONNECT if the version has it. */
  stopping?(): void
  /** The connection is gone; the last call. A stage releases what it holds for it. */
  closed?(): void
  /**
   * The state of this connection for the stage that continues in its place. Changes nothing, and this stage may go on. Called between
   * two packets, never during a call of a stage. A decoder or handler without it cannot be swapped under a live connection.
   */
  handOver?(): unknown
  /**
   * Another stage continues in its place for good, or it was opened for a reset that was undone: gives up watches and registrations,
   * and touches neither the connection nor what it has handed over or was handed. The last call. If it throws, that is logged, and the
   * connection goes on; if it throws while a reset is undone, the connection is cut off, as for `takeBack`.
   */
  left?(): void
  /** The reset that opened a successor from its `handOver` was undone: what both refer to refers to this stage again. */
  takeBack?(): void
  /**
   * The stage behind it has been replaced. Without this method a stage whose neighbour is replaced is opened anew itself.
   * @param next the new neighbour, or the former one when the reset is undone.
   */
  redirect?(next: never): void
}
