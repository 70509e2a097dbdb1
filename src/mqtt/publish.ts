import type { QoS } from 'mqtt-packet'
import { Message } from './message.ts'
import { checkNewProperties, checkNewTopic, type PublishChanges } from './publish-changes.ts'

/**
 * A PUBLISH packet: an Application Message and what belongs to one transmission of it. Decoder and handler each reuse one
 * Publish object: it is lent for the call, like its message.
 *
 * All fields are read-only. A filter changes a packet by `with`, and passes the new packet on.
 */
export class Publish {
  readonly message: Message = new Message()
  readonly qos: QoS = 0
  readonly retain: boolean = false
  readonly dup: boolean = false
  /** 0 at QoS 0. */
  readonly packetIdentifier: number = 0
  /** 0 is none. */
  readonly topicAlias: number = 0
  /**
   * To a client: the Topic Name is omitted, since the client knows it by `topicAlias`. From a client: the Topic Name of the
   * message is empty.
   */
  readonly omitsTopic: boolean = false
  /** In seconds; -1 is none. From a client: the interval as sent. To a client: the remaining interval [MQTT-3.3.2-6]. */
  readonly messageExpiryInterval: number = -1
  /** To a client only [MQTT-3.3.4-6]. */
  readonly subscriptionIdentifiers: readonly number[] = NONE
  /** From a client only: its Payload Format Indicator says that the payload is UTF-8. It has not been checked yet. */
  readonly payloadFormatUtf8: boolean = false

  /**
   * A packet with another Topic Name, payload, RETAIN flag or Properties, in memory of its own: it stays as it is, and may be
   * kept. `with({})` is a copy that may be kept. What belongs to the transmission (QoS, DUP, Packet Identifier, Topic Alias)
   * cannot be changed: the acknowledgements on both sides depend on it.
   * @throws TypeError when the Topic Name or the Properties are not legal, or when a Topic Name is given for a packet that has
   * a Topic Alias in its place (`omitsTopic`).
   */
  with(changes: PublishChanges): Publish {
    const { message } = this
    const { topic, payload = message.payload, retain, properties } = changes
    if (topic !== undefined) {
      if (this.omitsTopic) {
        throw new TypeError('The PUBLISH packet has a Topic Alias in place of its Topic Name, which cannot be changed.')
      }
      checkNewTopic(topic)
    }
    const packet: PublishFields = Object.assign(new Publish(), this)
    if (properties !== undefined) packet.payloadFormatUtf8 = checkNewProperties(properties)
    if (retain !== undefined) packet.retain = retain
    packet.message = message.with({
      topic: topic ?? message.topicBytes,
      payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
      properties: properties ?? message.properties,
      retain: retain ?? message.retain,
    })
    return packet
  }
}

/** A packet whose fields can be set: for decoder and handler, which fill the packet that they lend. */
export type PublishFields = { -readonly [Field in keyof Publish]: Publish[Field] }

/** The Subscription Identifiers of a message that has none. */
export const NONE: readonly number[] = []
