import type { IPubackPacket } from 'mqtt-packet'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import { handleAcknowledgement } from './acknowledge.ts'
import type { Client } from './client.ts'

/** Handles PUBACK: the client has a message at QoS 1, or refuses it, which also ends the delivery [MQTT-4.4.0-2]. */
export const handlePuback = (client: Client, { messageId }: IPubackPacket): void =>
  handleAcknowledgement(client, PacketType.Puback, messageId!, true)
