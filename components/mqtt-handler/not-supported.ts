/**
 * What the protocol has and this handler does not, refused as the specification says: nothing is accepted and then ignored.
 * Whoever adds one of these deletes its lines here.
 */

import type { IConnectPacket, IPublishPacket } from 'mqtt-packet'
import { ConnectReturnCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'

/** Why a CONNECT packet is refused, with the return code of its CONNACK. */
export interface ConnectRefusal {
  readonly returnCode: ConnectReturnCode
  readonly why: string
}

/** What a CONNECT packet of MQTT 3.1.1 asks for in vain; undefined when nothing. */
export const unsupportedConnect = (packet: IConnectPacket): ConnectRefusal | undefined => {
  const refuse = (why: string) => ({ returnCode: ConnectReturnCode.ServerUnavailable, why })
  // A server that holds no sessions must not make a client believe that its own is held [MQTT-3.1.2-4].
  if (packet.clean === false) return refuse('sessions are not supported yet: connect with Clean Session 1')
  if (packet.will !== undefined) return refuse('Will Messages are not supported yet: connect without')
  return undefined
}

/** Refuses a message that would have to be kept; a server says so by closing the connection [MQTT-3.3.5-2]. */
export const refusePublish = (client: Client, { qos, retain }: IPublishPacket): boolean => {
  if (qos === 0 && !retain) return false
  const what = qos > 0 ? `PUBLISH at QoS ${qos}` : 'PUBLISH with RETAIN 1'
  client.end(`${what} is not supported yet`, 'warn')
  return true
}

/** Why no subscription to this filter is made; undefined when it may be. */
export const refuseFilter = (filter: string): string | undefined =>
  filter.startsWith('$share/') ? 'shared subscriptions are not supported yet' : undefined
