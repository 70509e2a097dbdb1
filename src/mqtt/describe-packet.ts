import type { IPublishPacket, Packet } from 'mqtt-packet'
import { describeDisconnectReason, describeReasonCode } from './describe-reason-code.ts'
import type { Publish } from './publish.ts'
import { shortenText } from './shorten-text.ts'

/** A packet with thousands of filters is not written out whole: this many are. */
const maximumFilters = 10

/** Properties with a value that is told. Others may be secret, or are as long as the client wants. */
const TOLD_PROPERTIES = [
  'sessionExpiryInterval',
  'receiveMaximum',
  'maximumPacketSize',
  'topicAliasMaximum',
  'maximumQoS',
  'serverKeepAlive',
  'assignedClientIdentifier',
  'authenticationMethod',
  'reasonString',
  'serverReference',
  'subscriptionIdentifier',
] as const

/**
 * The fields of a packet for operators, without payload, password and user name. Nothing of it is lent, and texts that a client chose
 * are cut off.
 */
export const describePacket = (packet: Exclude<Packet, IPublishPacket>): Record<string, unknown> => {
  const { cmd, messageId } = packet
  const start = messageId === undefined ? { cmd } : { cmd, messageId }
  const properties = 'properties' in packet ? toldProperties(packet.properties) : {}
  switch (packet.cmd) {
    case 'connect': {
      const { clientId, protocolVersion, clean, keepalive, will } = packet
      const topic = will === undefined ? undefined : shortenText(will.topic)
      return { cmd, clientId: shortenText(clientId), protocolVersion, clean, keepalive, will: topic, ...properties }
    }
    case 'connack':
      return { ...start, sessionPresent: packet.sessionPresent, ...reasonOf(packet), ...properties }
    case 'subscribe': {
      const filters = packet.subscriptions.map(
        ({ topic, qos }) =>
          () =>
            `${shortenText(topic)} (QoS ${qos})`,
      )
      return { ...start, ...someOf('filters', filters), ...properties }
    }
    case 'unsubscribe': {
      const filters = packet.unsubscriptions.map((filter) => () => shortenText(filter))
      return { ...start, ...someOf('filters', filters), ...properties }
    }
    case 'suback':
    case 'unsuback': {
      const granted = packet.granted.map((code) => () => (typeof code === 'number' ? grantedText(code, cmd) : code))
      return { ...start, ...someOf('granted', granted), ...properties }
    }
    default:
      return { ...start, ...reasonOf(packet), ...properties }
  }
}

type DescribedPublish = Pick<Publish, 'qos' | 'retain' | 'dup' | 'packetIdentifier' | 'topicAlias'>

/** The fields of a PUBLISH packet for operators. */
export const describePublish = (
  { qos, retain, dup, packetIdentifier, topicAlias }: DescribedPublish,
  topic: string,
  payloadBytes: number,
): Record<string, unknown> => {
  const fields: Record<string, unknown> = { cmd: 'publish' }
  if (packetIdentifier !== 0) fields['messageId'] = packetIdentifier
  if (topicAlias !== 0) fields['topicAlias'] = topicAlias
  fields['topic'] = shortenText(topic)
  fields['qos'] = qos
  fields['retain'] = retain
  fields['dup'] = dup
  fields['payloadBytes'] = payloadBytes
  return fields
}

const grantedText = (code: number, cmd: string): string =>
  cmd === 'suback' && code < 3 ? `QoS ${code}` : describeReasonCode(code)

const reasonOf = (packet: { readonly cmd: string; reasonCode?: number; returnCode?: number }) => {
  const { cmd, reasonCode, returnCode } = packet
  if (reasonCode === undefined) return returnCode === undefined ? {} : { returnCode }
  return { reason: cmd === 'disconnect' ? describeDisconnectReason(reasonCode) : describeReasonCode(reasonCode) }
}

const toldProperties = (properties: object = {}): Record<string, unknown> => {
  const all = properties as Readonly<Record<string, unknown>>
  const told: Record<string, unknown> = {}
  for (const name of TOLD_PROPERTIES) {
    const value = all[name]
    if (value !== undefined) told[name] = typeof value === 'string' ? shortenText(value) : value
  }
  return told
}

const someOf = (name: string, values: readonly (() => unknown)[]) => {
  const some = { [name]: values.slice(0, maximumFilters).map((value) => value()) }
  return values.length > maximumFilters ? { ...some, of: values.length } : some
}
