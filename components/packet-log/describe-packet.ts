import type { ControlPacket } from '../../src/kinds/pipeline-stage.ts'
import type { Publish } from '../../src/mqtt/publish.ts'

/** A packet with thousands of filters is not written out whole: this many are. */
const maximumFilters = 10

/** The loggable fields of a packet, without payload, password and user name. */
export const describePacket = (packet: ControlPacket): Record<string, unknown> => {
  const { cmd, messageId } = packet
  const id = messageId === undefined ? {} : { messageId }
  switch (packet.cmd) {
    case 'connect': {
      const { clientId, protocolVersion, clean, keepalive, will } = packet
      return { cmd, clientId, protocolVersion, clean, keepalive, will: will?.topic }
    }
    case 'subscribe':
      return { cmd, ...id, ...someOf(packet.subscriptions.map(({ topic, qos }) => `${topic} (QoS ${qos})`)) }
    case 'unsubscribe':
      return { cmd, ...id, ...someOf(packet.unsubscriptions) }
    default:
      return { cmd, ...id }
  }
}

/** The loggable fields of a PUBLISH packet. */
export const describePublish = (publish: Publish): Record<string, unknown> => {
  const { message, qos, retain, dup, packetIdentifier, topicAlias } = publish
  return {
    cmd: 'publish',
    ...(packetIdentifier === 0 ? {} : { messageId: packetIdentifier }),
    ...(topicAlias === 0 ? {} : { topicAlias }),
    topic: message.topic,
    ...{ qos, retain, dup, payloadBytes: message.payloadLength },
  }
}

const someOf = (filters: readonly string[]) =>
  filters.length > maximumFilters ? { filters: filters.slice(0, maximumFilters), of: filters.length } : { filters }
