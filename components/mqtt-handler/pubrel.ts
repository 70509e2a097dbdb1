import type { IPubrelPacket } from 'mqtt-packet'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import { handleAcknowledgement } from './acknowledge.ts'
import type { Client } from './client.ts'

/** The client releases a Packet Identifier, whatever its Reason Code. */
export const handlePubrel = (client: Client, { messageId }: IPubrelPacket): void =>
  handleAcknowledgement(client, PacketType.Pubrel, messageId!, true)
