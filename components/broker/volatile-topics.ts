import type { QoS } from 'mqtt-packet'
import type { Published, VolatileTopics } from '../../src/kinds/broker.ts'
import { Message } from '../../src/mqtt/message.ts'
import { checkTopic } from './plain-message.ts'
import type { Retained } from './retained.ts'

/** The parts of the broker that volatile topics use. */
export interface VolatileTopicsContext {
  readonly retained: Retained
  /** Publishes a message as the server and retains it in memory alone. */
  publish(message: Message): Published
}

/** The volatile topics of one component. */
export class OwnVolatileTopics implements VolatileTopics {
  readonly #broker: VolatileTopicsContext
  /** Those with a retained message. */
  readonly #topics = new Set<string>()

  constructor(broker: VolatileTopicsContext) {
    this.#broker = broker
  }

  publish(topic: string, payload: string | Uint8Array, qos: QoS = 0): Published {
    checkTopic(topic)
    if (!topic.startsWith('$')) throw new TypeError(`'${topic}' is no topic of the broker: it does not begin with $.`)
    if (payload.length > 0) this.#topics.add(topic)
    else this.#topics.delete(topic)
    return this.#broker.publish(Message.of({ topic, payload, qos, retain: true }))
  }

  close(): void {
    const { messages } = this.#broker.retained
    for (const topic of this.#topics) if (messages.isVolatile(topic)) messages.delete(topic)
    this.#topics.clear()
  }
}
