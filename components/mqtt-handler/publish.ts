import type { IPublishPacket } from 'mqtt-packet'
import type { Client } from './client.ts'
import { refusePublish } from './not-supported.ts'

/** Passes a message to its subscribers. At QoS 0 it goes out as it came in: the same object for all of them. */
export const handlePublish = (client: Client, packet: IPublishPacket): void => {
  if (refusePublish(client, packet)) return
  client.handler.router.publish(packet)
}
