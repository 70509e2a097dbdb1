import { generate, writeToStream } from 'mqtt-packet'
import type { ControlPacket } from '../../src/kinds/pipeline-stage.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'

// mqtt-packet would otherwise keep 65,536 small buffers for the rest of the process, and cut a packet short in silence
// where a number is over 65,535; without them it throws.
writeToStream.cacheNumbers = false

/**
 * mqtt-packet's encoding, for the packets that are sent seldom.
 * @throws when the packet cannot be encoded, which is a mistake of the caller.
 */
export const generatePacket = (packet: ControlPacket, protocolVersion: ProtocolVersion): Uint8Array =>
  generate(packet, { protocolVersion })
