import type { Connection } from '../../src/kinds/connection.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { describePeer } from '../../src/kinds/peer.ts'
import type { ControlPacket, FilterStage, PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import { describePacket, describePublish } from '../../src/mqtt/describe-packet.ts'
import { describeReasonCode } from '../../src/mqtt/describe-reason-code.ts'
import type { ProtocolError } from '../../src/mqtt/protocol-error.ts'
import type { Publish } from '../../src/mqtt/publish.ts'

/** Where packets are logged, and at which level. */
export interface LogTarget {
  readonly log: Logger
  readonly level: 'debug' | 'info'
}

/** Logs what comes by and passes it on as it is. */
export class PacketLog implements FilterStage {
  readonly role = 'filter'
  /** A reset replaces it. */
  target: LogTarget

  constructor(log: Logger, level: 'debug' | 'info') {
    this.target = { log, level }
  }

  open(connection: Connection, next: PacketReceiver): PacketReceiver {
    return new ConnectionLog(connection, next, this)
  }

  write(fields: Record<string, unknown>, message: string): void {
    const { log, level } = this.target
    log[level](fields, message)
  }
}

class ConnectionLog implements PacketReceiver {
  readonly #connection: Connection
  #next: PacketReceiver
  readonly #stage: PacketLog
  /** From the CONNECT packet; empty for a client that lets the server name it. A log that is opened later has it from the handler. */
  #client: string | undefined

  constructor(connection: Connection, next: PacketReceiver, stage: PacketLog) {
    this.#connection = connection
    this.#next = next
    this.#stage = stage
    this.#client = connection.clientId
  }

  redirect(next: PacketReceiver): void {
    this.#next = next
  }

  packet(packet: ControlPacket): void {
    if (packet.cmd === 'connect') this.#client = packet.clientId
    this.#stage.write({ ...this.#who(), ...describePacket(packet) }, 'Packet')
    this.#next.packet(packet)
  }

  publish(publish: Publish): void {
    this.#stage.write(
      { ...this.#who(), ...describePublish(publish, publish.message.topic, publish.message.payloadLength) },
      'Packet',
    )
    this.#next.publish(publish)
  }

  fail(error: ProtocolError): void {
    const { reasonCode, message: why, clause } = error
    this.#stage.write({ ...this.#who(), reason: describeReasonCode(reasonCode), why, clause }, 'Protocol error')
    this.#next.fail?.(error)
  }

  #who() {
    return { client: this.#client, connection: this.#connection.id, remote: describePeer(this.#connection.peer) }
  }
}
