import type { Packet } from 'mqtt-packet'

/** A packet with thousands of filters is not written out whole: this many are. */
const maximumFilters = 10

/** What of a packet may stand in a log: never a payload, a password or a user name. */
export const describePacket = (packet: Packet): Record<string, unknown> => {
  const { cmd, messageId } = packet
  const id = messageId === undefined ? {} : { messageId }
  switch (packet.cmd) {
    case 'connect': {
      const { clientId, protocolVersion, clean, keepalive, will } = packet
      return { cmd, clientId, protocolVersion, clean, keepalive, will: will?.topic }
    }
    case 'publish': {
      const { topic, qos, retain, dup, payload } = packet
      return { cmd, ...id, topic, qos, retain, dup, payloadBytes: Buffer.byteLength(payload) }
    }
    case 'subscribe':
      return { cmd, ...id, ...someOf(packet.subscriptions.map(({ topic, qos }) => `${topic} (QoS ${qos})`)) }
    case 'unsubscribe':
      return { cmd, ...id, ...someOf(packet.unsubscriptions) }
    default:
      return { cmd, ...id }
  }
}

const someOf = (filters: readonly string[]) =>
  filters.length > maximumFilters ? { filters: filters.slice(0, maximumFilters), of: filters.length } : { filters }
