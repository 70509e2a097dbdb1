import type { IPubcompPacket } from 'mqtt-packet'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import { handleAcknowledgement } from './acknowledge.ts'
import type { Client } from './client.ts'

/** The client has done with a message at QoS 2. */
export const handlePubcomp = (client: Client, { messageId }: IPubcompPacket): void =>
  handleAcknowledgement(client, PacketType.Pubcomp, messageId!, true)
