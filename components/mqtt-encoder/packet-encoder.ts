import type { ControlPacket } from '../../src/kinds/pipeline-stage.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { encodeAcknowledgement } from './encode-acknowledgement.ts'
import { encodeConnack } from './encode-connack.ts'
import { encodeSubscriptionAnswer } from './encode-subscription-answer.ts'
import { generatePacket } from './generate-packet.ts'

const PINGRESP = Uint8Array.of(0xd0, 0)
/** What a packet may leave out to become small enough, in this order. */
const DISPENSABLE = ['reasonString', 'userProperties'] as const

/**
 * Bytes of any packet except PUBLISH. They never change after they are returned and must not be changed. Reason String and User
 * Properties are left out of a packet that is larger than its client takes with them [MQTT-3.2.2-19] [MQTT-3.2.2-20]
 * [MQTT-3.4.2-2] [MQTT-3.4.2-3] [MQTT-3.9.2-1] [MQTT-3.9.2-2] [MQTT-3.14.2-3] [MQTT-3.14.2-4] [MQTT-3.15.2-2] [MQTT-3.15.2-3].
 * @param maximumPacketSize in bytes.
 * @returns undefined if it is still too large and must not be sent [MQTT-3.1.2-24].
 * @throws when the packet cannot be encoded, which is a mistake of the caller.
 */
export const encodePacket = (
  packet: ControlPacket,
  version: ProtocolVersion,
  maximumPacketSize: number,
): Uint8Array | undefined => {
  const bytes = encode(packet, version)
  if (bytes.length <= maximumPacketSize) return bytes
  let smaller = packet
  for (const key of DISPENSABLE) {
    smaller = without(smaller, key)
    const fewer = encode(smaller, version)
    if (fewer.length <= maximumPacketSize) return fewer
  }
  return undefined
}

const encode = (packet: ControlPacket, version: ProtocolVersion): Uint8Array => {
  switch (packet.cmd) {
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      return encodeAcknowledgement(packet, version)
    case 'connack':
      return encodeConnack(packet, version)
    case 'suback':
    case 'unsuback':
      return encodeSubscriptionAnswer(packet, version)
    case 'pingresp':
      return PINGRESP
    default:
      return generatePacket(packet, version)
  }
}

/** A copy without this property, and without `properties` if there is no other. */
const without = (packet: ControlPacket, key: (typeof DISPENSABLE)[number]): ControlPacket => {
  const { properties, ...rest } = packet as ControlPacket & { properties?: Record<string, unknown> }
  const { [key]: _, ...others } = properties ?? {}
  return (Object.keys(others).length === 0 ? rest : { ...rest, properties: others }) as ControlPacket
}
