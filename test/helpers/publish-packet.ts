/** PUBLISH packets in mqtt-packet's form, in which tests read and write them, and as a Publish. */

import type { IPublishPacket, Packet } from 'mqtt-packet'
import type { ControlPacket, PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import { Message } from '../../src/mqtt/message.ts'
import { PacketReader } from '../../src/mqtt/packet-reader.ts'
import { PROPERTIES, type Property } from '../../src/mqtt/properties.ts'
import { Publish, type PublishFields } from '../../src/mqtt/publish.ts'
import { encodeForwardedProperties } from './encode-properties.ts'

/** The packet as parsed by mqtt-packet, without `length`. Nothing in it is lent. */
export const packetOf = (publish: Publish): IPublishPacket => {
  const { message, qos, retain, dup, packetIdentifier, subscriptionIdentifiers } = publish
  const properties: Record<string, unknown> = {}
  if (publish.messageExpiryInterval >= 0) properties['messageExpiryInterval'] = publish.messageExpiryInterval
  if (publish.topicAlias > 0) properties['topicAlias'] = publish.topicAlias
  if (subscriptionIdentifiers.length === 1) properties['subscriptionIdentifier'] = subscriptionIdentifiers[0]
  if (subscriptionIdentifiers.length > 1) properties['subscriptionIdentifier'] = [...subscriptionIdentifiers]
  readProperties(message.properties, properties)
  return {
    cmd: 'publish',
    topic: publish.omitsTopic ? '' : message.topic,
    payload: Buffer.from(message.payload),
    ...{ qos, retain, dup },
    ...(packetIdentifier === 0 ? {} : { messageId: packetIdentifier }),
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
  }
}

/** The Publish that a handler would send to get this packet; its message owns its memory. */
export const publishOf = (packet: IPublishPacket): Publish => {
  const { messageExpiryInterval, topicAlias, subscriptionIdentifier, ...others } = packet.properties ?? {}
  const publish: PublishFields = new Publish()
  const { topic, payload, qos, retain } = packet
  const properties = encodeForwardedProperties(others)
  const expiresAtMs =
    messageExpiryInterval === undefined
      ? Number.POSITIVE_INFINITY
      : performance.timeOrigin + performance.now() + messageExpiryInterval * 1000
  publish.message = Message.of({ topic, payload: Buffer.from(payload as Buffer), properties, qos, retain, expiresAtMs })
  publish.qos = qos
  publish.retain = retain
  publish.dup = packet.dup
  publish.packetIdentifier = packet.messageId ?? 0
  publish.topicAlias = topicAlias ?? 0
  publish.omitsTopic = topic === ''
  publish.messageExpiryInterval = messageExpiryInterval ?? -1
  publish.subscriptionIdentifiers = [subscriptionIdentifier ?? []].flat()
  return publish
}

/** A copy that may be kept. */
export const keptPublish = (publish: Publish): Publish =>
  Object.assign(new Publish(), publish, { message: publish.message.keep() })

/** Passes any packet to a receiver, by the right method. */
export const pass = (packet: Packet, receiver: PacketReceiver): void => {
  if (packet.cmd === 'publish') receiver.publish(publishOf(packet))
  else receiver.packet(packet as ControlPacket)
}

/** Encoded properties as mqtt-packet reads them, added to `properties`. */
export const readProperties = (bytes: Buffer, properties: Record<string, unknown> = {}): Record<string, unknown> => {
  const reader = new PacketReader()
  reader.open(bytes, 0, bytes.length, 5)
  while (!reader.atEnd) {
    const property = PROPERTIES[reader.byte()]!
    if (property.type !== 'stringPair') {
      properties[property.key] = readValue(reader, property)
      continue
    }
    properties['userProperties'] ??= Object.create(null)
    const pairs = properties['userProperties'] as Record<string, string | string[]>
    const name = reader.string()
    const value = reader.string()
    const earlier = pairs[name]
    pairs[name] = earlier === undefined ? value : [earlier, value].flat()
  }
  return properties
}

const readValue = (reader: PacketReader, { type }: Property): unknown => {
  if (type === 'byte') return reader.byte() === 1
  return type === 'binary' ? Buffer.from(reader.binary()) : reader.string()
}
