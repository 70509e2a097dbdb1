import type { IPubcompPacket } from 'mqtt-packet'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'

/** The client has done with a message at QoS 2. */
export const handlePubcomp = (client: Client, { messageId }: IPubcompPacket): void => {
  const { outbox } = client.session!
  if (outbox.pubcomp(messageId!) === 'wrong') {
    client.disconnect(ReasonCode.ProtocolError, 'client sent PUBCOMP before it was sent PUBREL')
  } else outbox.pump()
}
