import type { Connection } from '../../src/kinds/connection.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { describePeer } from '../../src/kinds/peer.ts'
import type { ControlPacket, FilterStage, PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import { describePacket, describePublish } from '../../src/mqtt/describe-packet.ts'
import { describeReasonCode } from '../../src/mqtt/describe-reason-code.ts'
import type { ProtocolError } from '../../src/mqtt/protocol-error.ts'
import type { Publish } from '../../src/mqtt/publish.ts'

/** Logs what comes by and passes it on as it is. */
export class PacketLog implements FilterStage {
  readonly role = 'filter'
  readonly #log: Logger
  readonly #level: 'debug' | 'info'

  constructor(log: Logger, level: 'debug' | 'info') {
    this.#log = log
    this.#level = level
  }

  open(connection: Connection, next: PacketReceiver): PacketReceiver {
    return new ConnectionLog(connection, next, this.#log[this.#level])
  }
}

class ConnectionLog implements PacketReceiver {
  readonly #connection: Connection
  readonly #next: PacketReceiver
  readonly #write: Logger['info']
  /** From the CONNECT packet; empty for a client that lets the server name it. */
  #client: string | undefined

  constructor(connection: Connection, next: PacketReceiver, write: Logger['info']) {
    this.#connection = connection
    this.#next = next
    this.#write = write
  }

  packet(packet: ControlPacket): void {
    if (packet.cmd === 'connect') this.#client = packet.clientId
    this.#write({ ...this.#who(), ...describePacket(packet) }, 'Packet')
    this.#next.packet(packet)
  }

  publish(publish: Publish): void {
    this.#write({ ...this.#who(), ...describePublish(publish) }, 'Packet')
    this.#next.publish(publish)
  }

  fail(error: ProtocolError): void {
    const { reasonCode, message: why, clause } = error
    this.#write({ ...this.#who(), reason: describeReasonCode(reasonCode), why, clause }, 'Protocol error')
    this.#next.fail?.(error)
  }

  #who() {
    return { client: this.#client, connection: this.#connection.id, remote: describePeer(this.#connection.peer) }
  }
}
