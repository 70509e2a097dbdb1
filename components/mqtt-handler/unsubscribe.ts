import type { IUnsubscribePacket } from 'mqtt-packet'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'
import { FilterWork } from './filter-work.ts'
import { takesSubscriptionAnswer } from './packet-size.ts'

/**
 * Ends subscriptions, and answers with UNSUBACK even if there were none [MQTT-3.10.4-5]: one Reason Code for each filter, in
 * their order [MQTT-3.11.3-1]; MQTT 3 has none. If UNSUBACK would be larger than the client's Maximum Packet Size, the client
 * is disconnected and keeps its subscriptions.
 */
export const handleUnsubscribe = (client: Client, { unsubscriptions, messageId }: IUnsubscribePacket): void => {
  if (!takesSubscriptionAnswer(client, unsubscriptions.length)) {
    client.disconnect(ReasonCode.PacketTooLarge, 'UNSUBACK is larger than the Maximum Packet Size of the client')
    return
  }
  const session = client.session!
  const work = new FilterWork(client, {
    requests: unsubscriptions,
    handle: (filter) => (session.unsubscribe(filter) ? ReasonCode.Success : ReasonCode.NoSubscriptionExisted),
    unitsOf: (filter) => client.handler.broker.unsubscribeUnits(filter),
    answer(codes, batch) {
      const granted = client.isVersion5 ? codes : []
      // A subscription that is gone may have ended over an earlier connection.
      const needed = batch ?? client.gate.resumedBatch
      client.answer({ cmd: 'unsuback', messageId: messageId!, granted }, true, undefined, needed)
    },
  })
  work.begin()
}
