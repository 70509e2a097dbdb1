import type { IUnsubscribePacket } from 'mqtt-packet'
import type { Client } from './client.ts'

/** Ends subscriptions, and answers UNSUBACK even where there was none to end [MQTT-3.10.4-5]. */
export const handleUnsubscribe = (client: Client, packet: IUnsubscribePacket): void => {
  for (const filter of packet.unsubscriptions) client.unsubscribe(filter)
  // [MQTT-3.10.4-4]; MQTT 3 has no reason codes here.
  client.send({ cmd: 'unsuback', messageId: packet.messageId!, granted: [] })
}
