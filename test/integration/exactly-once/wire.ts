import { generate, type IConnectPacket, type Packet, parser } from 'mqtt-packet'
import type { MemoryBroker, MemoryConnection } from '../../helpers/memory-broker.ts'

/** A network connection between a client and the broker: what is on its way in either direction, packet by packet. */
export class Wire {
  /** Sent by the client and not there yet. */
  readonly up: Packet[] = []
  /** Sent by the broker and not there yet. */
  readonly down: Packet[] = []
  readonly connection: MemoryConnection
  readonly #version: 4 | 5

  /** @param written called for each packet when the broker sends it. */
  constructor(broker: MemoryBroker, version: 4 | 5, written: (packet: Packet) => void) {
    this.#version = version
    const mqttParser = parser({ protocolVersion: version } as IConnectPacket)
    mqttParser.on('packet', (packet: Packet) => {
      written(packet)
      this.down.push(packet)
    })
    mqttParser.on('error', (error) => {
      throw error
    })
    this.connection = broker.connect((bytes) => mqttParser.parse(Buffer.from(bytes)))
  }

  /** Brings packets of the client to the broker. @param arrives called for each just before it does. */
  bring(count: number, arrives: (packet: Packet) => void): void {
    for (const packet of this.up.splice(0, count)) {
      if (!this.connection.open) return
      arrives(packet)
      this.connection.receive(this.#bytesOf(packet))
    }
  }

  /** Breaks it in the middle of the next packet of the client. */
  breakOff(): void {
    const [packet] = this.up
    if (packet !== undefined) this.connection.receive(this.#bytesOf(packet).subarray(0, -1))
    this.connection.lose()
  }

  #bytesOf(packet: Packet): Buffer {
    return generate(packet, { protocolVersion: this.#version })
  }
}
