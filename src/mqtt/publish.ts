import type { QoS } from 'mqtt-packet'
import { Message } from './message.ts'

/**
 * A PUBLISH packet: an Application Message and what belongs to one transmission of it. Decoder and handler each fill one
 * Publish again and again: it is lent for the call, like its message.
 */
export class Publish {
  message: Message = new Message()
  qos: QoS = 0
  retain = false
  dup = false
  /** 0 at QoS 0. */
  packetIdentifier = 0
  /** 0 is none. */
  topicAlias = 0
  /**
   * Towards a client: the Topic Name is left out, since the client knows it by `topicAlias`. From a client the message's
   * Topic Name is empty then.
   */
  omitsTopic = false
  /** In seconds; -1 is none. From a client as it was sent, towards one what is left of it [MQTT-3.3.2-6]. */
  messageExpiryInterval = -1
  /** Towards a client only [MQTT-3.3.4-6]. */
  subscriptionIdentifiers: readonly number[] = NONE
  /** From a client only: its Payload Format Indicator says that the payload is UTF-8. Nobody has checked it yet. */
  payloadFormatUtf8 = false
}

/** The Subscription Identifiers of a message that has none. */
export const NONE: readonly number[] = []
