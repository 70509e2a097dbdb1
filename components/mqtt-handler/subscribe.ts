import type { ISubscribePacket } from 'mqtt-packet'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'
import { refuseFilter } from './not-supported.ts'

/** Subscribes the client to each filter and answers with one return code for each, in their order [MQTT-3.9.3-1]. */
export const handleSubscribe = (client: Client, packet: ISubscribePacket): void => {
  const granted = packet.subscriptions.map(({ topic }) => subscribe(client, topic))
  client.send({ cmd: 'suback', messageId: packet.messageId!, granted })
}

/** QoS 0 is granted whatever was asked for: a server may grant less (section 3.9.3). */
const subscribe = (client: Client, filter: string): ReasonCode => {
  const why = refuseFilter(filter) ?? overLimit(client, filter)
  if (why === undefined) {
    client.subscribe(filter)
    return ReasonCode.Success
  }
  client.handler.log.warn({ client: client.id, remote: client.connection.remote, why }, 'Subscription refused')
  return ReasonCode.UnspecifiedError
}

const overLimit = (client: Client, filter: string): string | undefined => {
  const { maximumFilterLength, maximumTopicLevels, maximumSubscriptions } = client.handler.config
  if (filter.length > maximumFilterLength) return `more than ${maximumFilterLength} characters (maximumFilterLength)`
  if (countLevels(filter) > maximumTopicLevels) return `more than ${maximumTopicLevels} levels (maximumTopicLevels)`
  if (client.subscriptions < maximumSubscriptions || client.isSubscribed(filter)) return undefined
  return `more than ${maximumSubscriptions} subscriptions (maximumSubscriptions)`
}

const countLevels = (filter: string): number => {
  let levels = 1
  for (let slash = filter.indexOf('/'); slash !== -1; slash = filter.indexOf('/', slash + 1)) levels++
  return levels
}
