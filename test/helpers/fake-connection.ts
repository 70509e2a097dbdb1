import type { Packet } from 'mqtt-packet'
import type { Connection } from '../../src/kinds/connection.ts'
import type { ByteReceiver, PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import type { ProtocolError } from '../../src/mqtt/protocol-error.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'

/** A connection without a network, for the tests of stages: what is written and why it was closed can be read. */
export class FakeConnection implements Connection {
  readonly id: number
  readonly remote: string
  protocolVersion: ProtocolVersion | 0 = 0
  /** A test sets these two to play a peer that does not read. */
  pendingBytes = 0
  congested = false
  open = true
  /** What was written while the connection was open, write by write. */
  readonly written: Uint8Array[] = []
  /** The reason of the first `close`. */
  closeReason: string | undefined

  constructor(id = 1, remote = `127.0.0.1:${50_000 + id}`) {
    this.id = id
    this.remote = remote
  }

  /** Everything written so far, as one buffer. */
  get bytes(): Buffer {
    return Buffer.concat(this.written)
  }

  write(bytes: Uint8Array): void {
    if (this.open) this.written.push(bytes)
  }

  close(reason: string): void {
    this.closeReason ??= reason
    this.open = false
  }
}

/** The end of a pipeline that remembers what reached it. */
export class PacketRecorder implements PacketReceiver {
  readonly packets: Packet[] = []
  readonly errors: ProtocolError[] = []
  /** How often `closed` was called. */
  closings = 0

  packet(packet: Packet): void {
    this.packets.push(packet)
  }

  fail(error: ProtocolError): void {
    this.errors.push(error)
  }

  closed(): void {
    this.closings += 1
  }
}

/** The end of a pipeline that remembers the bytes which reached it, chunk by chunk. */
export class ByteRecorder implements ByteReceiver {
  readonly chunks: Uint8Array[] = []

  /** Everything received so far, as one buffer. */
  get all(): Buffer {
    return Buffer.concat(this.chunks)
  }

  bytes(chunk: Uint8Array): void {
    this.chunks.push(chunk)
  }
}
