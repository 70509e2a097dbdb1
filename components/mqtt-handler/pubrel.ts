import type { IPubrelPacket } from 'mqtt-packet'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'

/** The client releases a Packet Identifier: PUBCOMP follows, even if it is not known here [MQTT-4.3.3-11]. */
export const handlePubrel = (client: Client, { messageId }: IPubrelPacket): void => {
  const { journal } = client.handler
  const appendedBefore = journal.appended
  const known = client.session!.unreleased.release(messageId!)
  const unknown = client.isVersion5 && !known ? { reasonCode: ReasonCode.PacketIdentifierNotFound } : {}
  client.answer({ cmd: 'pubcomp', messageId: messageId!, ...unknown }, journal.appended !== appendedBefore)
}
