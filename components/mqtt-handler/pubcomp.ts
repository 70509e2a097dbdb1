import type { IPubcompPacket } from 'mqtt-packet'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import { handleAcknowledgement } from './acknowledge.ts'
import type { Client } from './client.ts'

/** Handles PUBCOMP: the delivery of a message at QoS 2 is complete. */
export const handlePubcomp = (client: Client, { messageId }: IPubcompPacket): void =>
  handleAcknowledgement(client, PacketType.Pubcomp, messageId!, true)
