import { z } from 'zod'
import type { Connection } from '../../src/kinds/connection.ts'
import {
  type ByteReceiver,
  type ControlPacket,
  EncoderStage,
  type PacketReceiver,
} from '../../src/kinds/pipeline-stage.ts'
import { ACKNOWLEDGEMENT_BYTES, type Acknowledgement } from '../../src/mqtt/acknowledgement.ts'
import type { Publish } from '../../src/mqtt/publish.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { encodeShortest } from './encode-acknowledgement.ts'
import { encodePacket } from './packet-encoder.ts'
import { PublishEncoder } from './publish-encoder.ts'
import { Slab } from './slab.ts'

/** Packets to the bytes that a client gets, in the form of the version it connected with. */
export const mqttEncoder = defineComponent({
  provides: EncoderStage,
  needs: {},
  config: z.strictObject({}),
  start: (): EncoderStage => new MqttEncoder(),
  adjust: () => ({ commit: () => undefined, undo: () => undefined }),
  // A new encoder has nothing to continue: its slabs and its last packets only save work.
  handover: {
    format: 'mqtt-encoder',
    version: 1,
    prepare: (): EncoderStage => new MqttEncoder(),
    give: () => undefined,
    take: () => () => undefined,
    retire: () => undefined,
  },
})

/** The stage of all connections. */
class MqttEncoder implements EncoderStage {
  readonly role = 'encoder'
  readonly format = 'mqtt-encoder'
  readonly #publishes = new PublishEncoder(new Slab())
  /** Of their own: those that go to one client behind each other are neighbours, and are sent as one range. */
  readonly #acknowledgements = new Slab()

  open(connection: Connection, next: ByteReceiver): PacketReceiver {
    return new ConnectionEncoder(connection, next, this.#publishes, this.#acknowledgements)
  }
}

class ConnectionEncoder implements PacketReceiver {
  readonly #connection: Connection
  #next: ByteReceiver
  readonly #publishes: PublishEncoder
  readonly #acknowledgements: Slab

  constructor(connection: Connection, next: ByteReceiver, publishes: PublishEncoder, acknowledgements: Slab) {
    this.#connection = connection
    this.#next = next
    this.#publishes = publishes
    this.#acknowledgements = acknowledgements
  }

  /** What it knows of a connection is in the `Connection`. */
  handOver(): object {
    return {}
  }

  redirect(next: ByteReceiver): void {
    this.#next = next
  }

  packet(packet: ControlPacket): void {
    const { protocolVersion, maximumPacketSize } = this.#connection
    // Before a CONNECT packet was understood there is no version; what is said then is said in the form of 3.1.1.
    const bytes = encodePacket(packet, protocolVersion || 4, maximumPacketSize)
    if (bytes !== undefined) this.#next.bytes(bytes)
  }

  acknowledge(type: Acknowledgement, packetIdentifier: number): void {
    if (this.#connection.maximumPacketSize < ACKNOWLEDGEMENT_BYTES) return // [MQTT-3.1.2-24]
    const slab = this.#acknowledgements
    const start = encodeShortest(type, packetIdentifier, slab)
    this.#next.forward(slab.bytes, start, slab.end)
  }

  publish(publish: Publish): void {
    this.#publishes.send(publish, this.#connection, this.#next)
  }

  publishRun(run: PublishRun): boolean {
    return this.#publishes.sendRun(run, this.#connection, this.#next)
  }

  publishIdentifiedRun(run: PublishRun, packetIdentifiers: Uint16Array): boolean {
    return this.#publishes.sendIdentifiedRun(run, packetIdentifiers, this.#connection, this.#next)
  }
}
