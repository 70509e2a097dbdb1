import type { QoS } from 'mqtt-packet'
import type { ClientBroker } from '../../src/kinds/client-broker.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { intervalLeft } from '../../src/mqtt/message-expiry.ts'
import { Publish, type PublishFields } from '../../src/mqtt/publish.ts'
import type { BridgeCounters } from './counters.ts'
import { encodePublish, type OutgoingPublish, outgoingSize } from './encode-publish.ts'
import { countHops } from './hops.ts'
import type { RemoteTerms } from './remote-terms.ts'

export interface OutgoingContext {
  readonly broker: Pick<ClientBroker, 'now'>
  readonly counters: BridgeCounters
  readonly terms: Pick<RemoteTerms, 'maximumQoS' | 'retainAvailable' | 'maximumPacketSize'>
  readonly isVersion5: boolean
  /** Undefined if messages do not name the brokers that they came through. */
  readonly hop: Buffer | undefined
  readonly maximumHops: number
  toRemote(topic: string): string | undefined
}

/** Makes the PUBLISH packets to the remote broker: topic, properties, and what the remote broker does not support. */
export class Outgoing {
  readonly #context: OutgoingContext
  /** The one packet that the broker fills for each message. */
  readonly #publish: PublishFields = new Publish()
  /** Of the same message. */
  #topic: Buffer = NOTHING

  constructor(context: OutgoingContext) {
    this.#context = context
  }

  /** As `MessageReceiver.prepare`. @returns undefined for a message that is not carried. */
  prepare(message: Message, qos: QoS, retain: boolean): PublishFields | undefined {
    const { hop, maximumHops, counters, toRemote } = this.#context
    const topic = Buffer.from(toRemote(message.topic) ?? '')
    if (topic.length === 0 || topic.length > 0xffff) {
      counters.unmapped += 1
      return undefined
    }
    // A message that another bridge brought back here names this broker: it has left this broker before.
    if (hop !== undefined && countHops(message.properties, hop) >= maximumHops) {
      counters.loops += 1
      return undefined
    }
    this.#topic = topic
    const publish = this.#publish
    publish.message = message
    publish.qos = qos
    publish.retain = retain
    publish.dup = false
    publish.packetIdentifier = 0
    if (outgoingSize(this.#packet(publish), this.#context.isVersion5) <= this.#context.terms.maximumPacketSize) {
      return publish
    }
    counters.tooLarge += 1
    return undefined
  }

  /** Encodes the packet that `prepare` returned last. */
  encode(publish: Publish): Buffer {
    return encodePublish(this.#packet(publish), this.#context.isVersion5)
  }

  #packet(publish: Publish): OutgoingPublish {
    const { terms, broker, hop = NOTHING } = this.#context
    const { message, qos, retain, dup, packetIdentifier } = publish
    const lower = Math.min(qos, terms.maximumQoS) as QoS
    return {
      ...{ message, packetIdentifier, hop, topic: this.#topic, qos: lower },
      retain: retain && terms.retainAvailable,
      dup: dup && lower > 0,
      // [MQTT-3.3.2-6]
      messageExpiryInterval:
        message.expiresAtMs === Number.POSITIVE_INFINITY ? -1 : intervalLeft(message.expiresAtMs, broker.now()),
    }
  }
}

const NOTHING = Buffer.alloc(0)
