import type { IPubrelPacket } from 'mqtt-packet'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import { handleAcknowledgement } from './acknowledge.ts'
import type { Client } from './client.ts'

/** Handles PUBREL: the client releases a Packet Identifier, with any Reason Code. */
export const handlePubrel = (client: Client, { messageId }: IPubrelPacket): void =>
  handleAcknowledgement(client, PacketType.Pubrel, messageId!, true)
