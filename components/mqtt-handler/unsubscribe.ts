import type { IUnsubscribePacket } from 'mqtt-packet'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'
import { takesSubscriptionAnswer } from './packet-size.ts'

/**
 * Ends subscriptions, and answers UNSUBACK even where there was none to end [MQTT-3.10.4-5]: one Reason Code for each
 * filter, in their order [MQTT-3.11.3-1]; MQTT 3 has none. A client that does not take so large an UNSUBACK is disconnected,
 * and keeps its subscriptions.
 */
export const handleUnsubscribe = (client: Client, { unsubscriptions, messageId }: IUnsubscribePacket): void => {
  if (!takesSubscriptionAnswer(client, unsubscriptions.length)) {
    client.disconnect(ReasonCode.PacketTooLarge, 'UNSUBACK is larger than the Maximum Packet Size of the client')
    return
  }
  const { journal } = client.handler
  const appendedBefore = journal.appended
  const codes = unsubscriptions.map((filter) =>
    client.session!.unsubscribe(filter) ? ReasonCode.Success : ReasonCode.NoSubscriptionExisted,
  )
  for (const filter of unsubscriptions) client.session!.retained?.remove(filter)
  const granted = client.isVersion5 ? codes : []
  client.answer({ cmd: 'unsuback', messageId: messageId!, granted }, journal.appended !== appendedBefore)
}
