import type { IPubackPacket } from 'mqtt-packet'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'

/** The client has a message at QoS 1, or refuses it, which is the same to its delivery [MQTT-4.4.0-2]. */
export const handlePuback = (client: Client, { messageId }: IPubackPacket): void => {
  const { outbox } = client.session!
  // One for nothing is let pass: it may answer what an earlier connection sent.
  if (outbox.puback(messageId!) === 'wrong') {
    client.disconnect(ReasonCode.ProtocolError, 'client sent PUBACK for a message at QoS 2')
  } else outbox.pump()
}
