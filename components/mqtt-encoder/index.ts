import { z } from 'zod'
import type { Connection } from '../../src/kinds/connection.ts'
import {
  type ByteReceiver,
  type ControlPacket,
  EncoderStage,
  type PacketReceiver,
} from '../../src/kinds/pipeline-stage.ts'
import type { Publish } from '../../src/mqtt/publish.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { encodePacket } from './packet-encoder.ts'
import { PublishEncoder } from './publish-encoder.ts'
import { Slab } from './slab.ts'

/** Packets to the bytes that a client gets, in the form of the version it connected with. */
export const mqttEncoder = defineComponent({
  provides: EncoderStage,
  needs: {},
  config: z.strictObject({}),
  start(): EncoderStage {
    const publishes = new PublishEncoder(new Slab())
    return { role: 'encoder', open: (connection, next) => new ConnectionEncoder(connection, next, publishes) }
  },
})

class ConnectionEncoder implements PacketReceiver {
  readonly #connection: Connection
  readonly #next: ByteReceiver
  readonly #publishes: PublishEncoder

  constructor(connection: Connection, next: ByteReceiver, publishes: PublishEncoder) {
    this.#connection = connection
    this.#next = next
    this.#publishes = publishes
  }

  packet(packet: ControlPacket): void {
    const { protocolVersion, maximumPacketSize } = this.#connection
    // Before a CONNECT packet was understood there is no version; what is said then is said in the form of 3.1.1.
    const bytes = encodePacket(packet, protocolVersion || 4, maximumPacketSize)
    if (bytes !== undefined) this.#next.bytes(bytes)
  }

  publish(publish: Publish): void {
    this.#publishes.send(publish, this.#connection, this.#next)
  }

  publishRun(run: PublishRun): boolean {
    return this.#publishes.sendRun(run, this.#connection, this.#next)
  }
}
