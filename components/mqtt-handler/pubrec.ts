import type { IPubrecPacket } from 'mqtt-packet'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { handleAcknowledgement } from './acknowledge.ts'
import type { Client } from './client.ts'

/** Handles PUBREC: the client has a message at QoS 2, or refuses it, which ends the delivery [MQTT-4.4.0-2]. */
export const handlePubrec = (client: Client, { messageId, reasonCode = 0 }: IPubrecPacket): void => {
  if (reasonCode < ReasonCode.UnspecifiedError) {
    handleAcknowledgement(client, PacketType.Pubrec, messageId!, true)
    return
  }
  const { outbox } = client.session!
  if (outbox.pubrec(messageId!, true) !== 'wrong') outbox.pump()
  else client.disconnect(ReasonCode.ProtocolError, 'client sent PUBREC for a message at QoS 1')
}
