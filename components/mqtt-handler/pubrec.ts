import type { IPubrecPacket } from 'mqtt-packet'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'

/** The client has a message at QoS 2: PUBREL follows [MQTT-4.3.3-4]. One that it refuses is over [MQTT-4.4.0-2]. */
export const handlePubrec = (client: Client, { messageId, reasonCode = 0 }: IPubrecPacket): void => {
  const { outbox } = client.session!
  const { journal } = client.handler
  const refused = reasonCode >= ReasonCode.UnspecifiedError
  const appendedBefore = journal.appended
  const result = outbox.pubrec(messageId!, refused)
  if (result === 'wrong') client.disconnect(ReasonCode.ProtocolError, 'client sent PUBREC for a message at QoS 1')
  else if (refused) outbox.pump()
  else {
    const unknown = client.isVersion5 && result === 'unknown' ? { reasonCode: ReasonCode.PacketIdentifierNotFound } : {}
    client.answer({ cmd: 'pubrel', messageId: messageId!, ...unknown }, journal.appended !== appendedBefore)
  }
}
