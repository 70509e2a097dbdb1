import type { Packet } from 'mqtt-packet'
import type { Connection, ConnectionEnd } from '../../src/kinds/connection.ts'
import { DEFAULT_LISTENER_OPTIONS, type ListenerOptions } from '../../src/kinds/listener-options.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import type { ByteReceiver, ControlPacket, PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import type { ProtocolError } from '../../src/mqtt/protocol-error.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import type { Publish } from '../../src/mqtt/publish.ts'
import { peerAt } from './peer-at.ts'
import { keptPublish, packetOf } from './publish-packet.ts'

/** A connection without a network, for the tests of stages: it records writes and the reason of the close. */
export class FakeConnection implements Connection {
  readonly id: number
  readonly peer: Peer
  listener: ListenerOptions = DEFAULT_LISTENER_OPTIONS
  /** How often the client failed to authenticate. */
  failedAuthentications = 0
  /** A test sets it to play an address that was banned meanwhile. */
  banned = false
  protocolVersion: ProtocolVersion | 0 = 0
  clientId: string | undefined
  maximumPacketSize = Number.POSITIVE_INFINITY
  maximumIncomingPacketSize = Number.POSITIVE_INFINITY
  authenticating = false
  paused = false
  /** A test sets these two to play a peer that does not read. */
  pendingBytes = 0
  congested = false
  open = true
  /** A test sets it to say how the connection was lost. */
  end: ConnectionEnd | undefined
  bytesReceived = 0
  /** What was written while the connection was open, write by write. */
  readonly written: Uint8Array[] = []
  /** The reason of the first `close`. */
  closeReason: string | undefined

  constructor(id = 1, remote = `127.0.0.1:${50_000 + id}`) {
    this.id = id
    this.peer = peerAt(remote)
  }

  /** Everything written so far, as one buffer. */
  get bytes(): Buffer {
    return Buffer.concat(this.written)
  }

  write(bytes: Uint8Array): void {
    if (this.open) this.written.push(bytes)
  }

  forward(source: Uint8Array, start: number, end: number): void {
    // The bytes are lent until the turn ends.
    this.write(Buffer.from(source.subarray(start, end)))
  }

  noteFailedAuthentication(): void {
    this.failedAuthentications += 1
  }

  chargeWork(_amount: number): void {}

  chargePacket(_amount: number): void {}

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  close(reason: string): void {
    this.closeReason ??= reason
    this.end ??= { by: 'broker', reason }
    this.open = false
  }
}

/** The end of a pipeline that records packets. */
export class PacketRecorder implements PacketReceiver {
  /** All packets in their order, in mqtt-packet's form. PUBLISH as made by `packetOf`. */
  readonly packets: Packet[] = []
  /** The PUBLISH packets among them as they came, copied. */
  readonly publishes: Publish[] = []
  readonly errors: ProtocolError[] = []
  /** How often `drained` and `closed` were called. */
  drains = 0
  closings = 0

  packet(packet: ControlPacket): void {
    this.packets.push(packet)
  }

  publish(publish: Publish): void {
    this.packets.push(packetOf(publish))
    this.publishes.push(keptPublish(publish))
  }

  fail(error: ProtocolError): void {
    this.errors.push(error)
  }

  drained(): void {
    this.drains += 1
  }

  closed(): void {
    this.closings += 1
  }
}

/** The end of a pipeline that records bytes, chunk by chunk. */
export class ByteRecorder implements ByteReceiver {
  readonly chunks: Uint8Array[] = []
  /** The memory of each chunk: its present content shows whether it was changed later. */
  readonly places: Uint8Array[] = []

  /** Everything received so far, as one buffer. */
  get all(): Buffer {
    return Buffer.concat(this.chunks)
  }

  bytes(chunk: Uint8Array): void {
    this.chunks.push(chunk)
    this.places.push(chunk)
  }

  forward(source: Uint8Array, start: number, end: number): void {
    this.chunks.push(Buffer.from(source.subarray(start, end)))
    this.places.push(source.subarray(start, end))
  }
}
