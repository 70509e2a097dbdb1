import type { ConnectPacket } from '../../src/kinds/pipeline-stage.ts'
import type { StoredWill } from '../../src/kinds/store.ts'
import { Message } from '../../src/mqtt/message.ts'
import { OVERHEAD_BYTES } from './outgoing.ts'

/** The Will of a CONNECT packet (section 3.1.2.5), in memory of its own. @returns undefined when there is none. */
export const willOf = ({ will, willProperties }: ConnectPacket): StoredWill | undefined => {
  if (will === undefined) return undefined
  const { topic, payload, qos = 0, retain = false, properties } = will
  const message = Message.of({
    topic,
    payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
    properties: willProperties ?? Buffer.alloc(0),
    qos,
    retain,
  })
  return {
    message,
    delaySeconds: properties?.willDelayInterval ?? 0,
    messageExpiryInterval: properties?.messageExpiryInterval ?? -1,
  }
}

/** What a Will costs to keep, in bytes; 0 for none. */
export const willCost = (will: StoredWill | undefined): number =>
  will === undefined ? 0 : will.message.size + OVERHEAD_BYTES

/** The message of a Will as it is published now: its Message Expiry Interval begins. */
export const willMessage = ({ message, messageExpiryInterval }: StoredWill, nowMs: number): Message => {
  const { topicBytes: topic, properties, payload, qos, retain } = message
  const expiresAtMs = messageExpiryInterval < 0 ? Number.POSITIVE_INFINITY : nowMs + messageExpiryInterval * 1000
  return Message.of({ topic, properties, payload, qos, retain, expiresAtMs })
}
