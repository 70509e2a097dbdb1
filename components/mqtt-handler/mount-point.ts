import { Message } from '../../src/mqtt/message.ts'
import { changeResponseTopic } from '../../src/mqtt/response-topic.ts'
import { sharedFilter } from '../../src/mqtt/subscription.ts'

/** The longest Topic Name, in bytes [MQTT-4.7.3-3]. */
const MAXIMUM_TOPIC_BYTES = 65_535

const DOLLAR = '$'
const DOLLAR_BYTE = 0x24

/**
 * The mount point of a listener: a prefix of all topics of its clients, which the clients do not see. The *full* topic has the prefix:
 * the broker, the authorizers and the log have it. The *own* topic of a client does not have it.
 */
export class MountPoint {
  readonly prefix: string
  readonly #bytes: Buffer
  // The last message that was passed to a client, and its form for clients: other clients of the listener get the same.
  #last: Message | undefined
  #lastSerial = 0
  #lastOwn: Message | undefined

  constructor(prefix: string) {
    this.prefix = prefix
    this.#bytes = Buffer.from(prefix)
  }

  /**
   * The full topic of a Topic Name of a client. A topic that begins with `$` stays as it is: it belongs to the server, which refuses it.
   * @returns undefined if it would be too long.
   */
  fullTopic(topic: string): string | undefined {
    if (topic.startsWith(DOLLAR)) return topic
    const full = this.prefix + topic
    return Buffer.byteLength(full) > MAXIMUM_TOPIC_BYTES ? undefined : full
  }

  /** The full form of a Topic Filter of a client; of a Shared Subscription, the filter behind the ShareName gets the prefix. */
  fullFilter(filter: string): string {
    const shared = sharedFilter(filter)
    return shared === undefined ? this.prefix + filter : `$share/${shared.shareName}/${this.prefix}${shared.filter}`
  }

  /** The full form of encoded Properties: Response Topic gets the prefix. @returns undefined if it would be too long. */
  fullProperties(properties: Buffer): Buffer | undefined {
    let isTooLong = false
    const full = changeResponseTopic(properties, (topic) => {
      isTooLong = topic.length + this.#bytes.length > MAXIMUM_TOPIC_BYTES
      return isTooLong ? topic : Buffer.concat([this.#bytes, topic])
    })
    return isTooLong ? undefined : full
  }

  /** The full form of a message of a client, in memory of its own. @returns undefined if a topic would be too long. */
  fullMessage(message: Message): Message | undefined {
    const properties = this.fullProperties(message.properties)
    if (properties === undefined) return undefined
    const { topicBytes } = message
    if (topicBytes[0] === DOLLAR_BYTE) return message.with({ properties })
    if (topicBytes.length + this.#bytes.length > MAXIMUM_TOPIC_BYTES) return undefined
    return message.with({ topic: Buffer.concat([this.#bytes, topicBytes]), properties })
  }

  /**
   * The form of a message for a client. A Response Topic outside of the mount point is removed: the client could not publish there.
   * @param message lent. @returns lent; undefined for a topic outside of the mount point, which the client must not see.
   */
  ownMessage(message: Message): Message | undefined {
    // The copy of a message that is kept has its serial number too.
    if (message !== this.#last || message.serial !== this.#lastSerial) {
      this.#last = message
      this.#lastSerial = message.serial
      this.#lastOwn = this.#own(message)
    }
    return this.#lastOwn
  }

  #own(message: Message): Message | undefined {
    const { bytes, topicStart, topicEnd, properties, payloadStart, payloadEnd, qos, retain, expiresAtMs } = message
    const ownStart = topicStart + this.#bytes.length
    if (ownStart >= topicEnd || this.#bytes.compare(bytes, topicStart, ownStart) !== 0) return undefined
    const ownProperties = changeResponseTopic(properties, (topic) => this.#ownResponseTopic(topic))
    if (ownProperties !== properties) {
      return message.with({ topic: bytes.subarray(ownStart, topicEnd), properties: ownProperties })
    }
    const own = new Message()
    const fields = Message.refill(own, bytes)
    fields.topicStart = ownStart
    fields.topicEnd = topicEnd
    fields.propertiesStart = message.propertiesStart
    fields.propertiesEnd = message.propertiesEnd
    fields.payloadStart = payloadStart
    fields.payloadEnd = payloadEnd
    fields.qos = qos
    fields.retain = retain
    fields.expiresAtMs = expiresAtMs
    return own
  }

  #ownResponseTopic(topic: Buffer): Buffer | undefined {
    const { length } = this.#bytes
    return topic.length > length && this.#bytes.compare(topic, 0, length) === 0 ? topic.subarray(length) : undefined
  }
}
