import type { IPublishPacket, Packet } from 'mqtt-packet'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { encodeAcknowledgement } from './encode-acknowledgement.ts'
import { encodePublish } from './encode-publish.ts'
import { generatePacket } from './generate-packet.ts'

const PINGRESP = Uint8Array.of(0xd0, 0)

/**
 * Packets to bytes, for all connections. The bytes never change once they are returned, and nobody may change them.
 *
 * A message at QoS 0 that goes to many subscribers is one packet object, so the last such packet of either form is
 * remembered with its bytes, and a fan-out encodes once. That is why nobody may change a PUBLISH packet that was sent:
 * whoever wants another one makes a copy. Two messages at most are held this way.
 */
export class PacketEncoder {
  readonly #lastPublish3: LastPublish = { packet: undefined, bytes: PINGRESP }
  readonly #lastPublish5: LastPublish = { packet: undefined, bytes: PINGRESP }

  /** @throws when the packet cannot be encoded, which is a mistake of whoever made it. */
  encode(packet: Packet, version: ProtocolVersion): Uint8Array {
    switch (packet.cmd) {
      case 'publish':
        return packet.qos === 0 ? this.#encodeOnce(packet, version) : encodePublish(packet, version)
      case 'puback':
      case 'pubrec':
      case 'pubrel':
      case 'pubcomp':
        return encodeAcknowledgement(packet, version)
      case 'pingresp':
        return PINGRESP
      default:
        return generatePacket(packet, version)
    }
  }

  #encodeOnce(packet: IPublishPacket, version: ProtocolVersion): Uint8Array {
    const last = version === 5 ? this.#lastPublish5 : this.#lastPublish3
    if (last.packet !== packet) {
      last.bytes = encodePublish(packet, version)
      last.packet = packet
    }
    return last.bytes
  }
}

interface LastPublish {
  packet: IPublishPacket | undefined
  bytes: Uint8Array
}
