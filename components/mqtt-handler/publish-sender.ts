import type { QoS } from 'mqtt-packet'
import type { Identity } from '../../src/kinds/authorizer.ts'
import type { ClientBroker } from '../../src/kinds/client-broker.ts'
import type { Connection } from '../../src/kinds/connection.ts'
import type { PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import type { MessageReceiver } from '../../src/kinds/recipient.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { intervalLeft } from '../../src/mqtt/message-expiry.ts'
import { NONE, type Publish, type PublishFields } from '../../src/mqtt/publish.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import { publishSize } from '../../src/mqtt/publish-size.ts'
import { OutgoingTopicAliases } from '../../src/mqtt/topic-alias.ts'
import type { SenderRecord } from './client-record.ts'
import type { HandlerCounters } from './counters.ts'

/** The size of a Topic Alias in a packet, in bytes. An alias does not shorten packets with shorter Topic Names. */
const TOPIC_ALIAS_BYTES = 3

/** A packet of MQTT 5.0 is at most so much longer than the same of MQTT 3: Property Length, and a longer Remaining Length. */
const ANOTHER_FORM_BYTES = 2

/** What sending messages needs of the handler. */
export interface PublishSenderContext {
  readonly counters: HandlerCounters
  readonly broker: Pick<ClientBroker, 'mayReceive' | 'now'>
  /** The one PUBLISH packet that is filled for every client in turn. */
  readonly outgoing: PublishFields
}

/** The part of a client that sends messages to it: PUBLISH packets in the form that the client takes. */
export abstract class PublishSender implements MessageReceiver {
  readonly connection: Connection
  protected next: PacketReceiver
  readonly #handler: PublishSenderContext
  #outgoingAliases: OutgoingTopicAliases | undefined
  /** The client reads messages at QoS 0 more slowly than they arrive. */
  #dropping: boolean

  constructor(connection: Connection, next: PacketReceiver, handler: PublishSenderContext, handed?: SenderRecord) {
    this.connection = connection
    this.next = next
    this.#handler = handler
    const aliases = handed?.outgoingAliases
    this.#outgoingAliases = aliases && new OutgoingTopicAliases(aliases.maximum, aliases.after, aliases)
    this.#dropping = handed?.dropping ?? false
  }

  /** The stage behind the handler is another one. */
  redirect(next: PacketReceiver): void {
    this.next = next
  }

  protected handOverSender(): SenderRecord {
    return { outgoingAliases: this.#outgoingAliases?.handOver(), dropping: this.#dropping }
  }

  abstract readonly identity: Identity
  abstract get sendable(): boolean
  /** Called when the client begins to read too slowly: messages at QoS 0 are dropped. */
  protected abstract readsTooSlowly(): void

  get isVersion5(): boolean {
    return this.connection.protocolVersion === 5
  }

  prepare(
    message: Message,
    qos: QoS,
    retain: boolean,
    subscriptionIdentifiers: readonly number[],
  ): PublishFields | undefined {
    return this.mayReceive(message) ? this.fill(message, qos, retain, subscriptionIdentifiers) : undefined
  }

  /** Whether the client may receive this message now. Counts those that it may not. */
  protected mayReceive(message: Message): boolean {
    const { mayReceive } = this.#handler.broker
    if (mayReceive === undefined || mayReceive(this.identity, message.topic)) return true
    this.#handler.counters.deniedDeliveries += 1
    return false
  }

  /** `prepare` for a message that the client may receive. */
  protected fill(
    message: Message,
    qos: QoS,
    retain: boolean,
    subscriptionIdentifiers: readonly number[],
  ): PublishFields | undefined {
    const { outgoing } = this.#handler
    outgoing.message = message
    outgoing.qos = qos
    outgoing.retain = retain
    outgoing.dup = false
    outgoing.packetIdentifier = 0
    outgoing.topicAlias = 0
    outgoing.omitsTopic = false
    outgoing.messageExpiryInterval = -1
    outgoing.subscriptionIdentifiers = NONE
    return this.isVersion5 ? this.#prepareVersion5(outgoing, subscriptionIdentifiers) : outgoing
  }

  sendPublish(publish: Publish): void {
    if (publish.topicAlias !== 0 && !publish.omitsTopic) {
      this.#outgoingAliases?.introduced(publish.message.topic, publish.topicAlias)
    }
    const { publishesOut, payloadsOut } = this.#handler.counters
    publishesOut[publish.qos]! += 1
    payloadsOut[publish.qos]! += publish.message.payloadLength
    this.next.publish(publish)
  }

  deliverQoS0(message: Message, retain: boolean, subscriptionIdentifiers: readonly number[]): void {
    if (!this.sendable) {
      this.#drop(1)
      return
    }
    this.#dropping = false
    const publish = this.prepare(message, 0, retain, subscriptionIdentifiers)
    if (publish !== undefined) this.sendPublish(publish)
  }

  deliverRun(run: PublishRun, subscriptionIdentifiers: readonly number[]): boolean {
    if (!this.#takesRuns(subscriptionIdentifiers)) return false
    if (!this.sendable) {
      this.#drop(run.count)
      return true
    }
    const { mayReceive } = this.#handler.broker
    if (mayReceive !== undefined && !mayReceive(this.identity, run.message.topic)) {
      this.#handler.counters.deniedDeliveries += run.count
      return true
    }
    this.#dropping = false
    if (this.next.publishRun?.(run) !== true) return false
    this.#sentRun(run, 0)
    return true
  }

  takesRun({ message, longest }: PublishRun, subscriptionIdentifiers: readonly number[]): boolean {
    const { mayReceive } = this.#handler.broker
    if (!this.#takesRuns(subscriptionIdentifiers)) return false
    // Messages that the client may not receive are dropped one by one and do not count as in flight.
    if (longest + ANOTHER_FORM_BYTES > this.connection.maximumPacketSize) return false
    return mayReceive === undefined || mayReceive(this.identity, message.topic)
  }

  sendRun(run: PublishRun, packetIdentifiers: Uint16Array): boolean {
    if (this.next.publishIdentifiedRun?.(run, packetIdentifiers) !== true) return false
    this.#sentRun(run, 1)
    return true
  }

  /** From now on topics that are sent often get Topic Aliases. @param count how many. @param after with which message. */
  protected useTopicAliases(count: number, after: number): void {
    if (count > 0) this.#outgoingAliases = new OutgoingTopicAliases(count, after)
  }

  #sentRun(run: PublishRun, qos: QoS): void {
    const { publishesOut, payloadsOut } = this.#handler.counters
    publishesOut[qos]! += run.count
    payloadsOut[qos]! += run.payloadBytes
  }

  #prepareVersion5(publish: PublishFields, subscriptionIdentifiers: readonly number[]): PublishFields | undefined {
    const { message } = publish
    publish.subscriptionIdentifiers = subscriptionIdentifiers
    if (message.expiresAtMs !== Number.POSITIVE_INFINITY) {
      // [MQTT-3.3.2-6]
      publish.messageExpiryInterval = intervalLeft(message.expiresAtMs, this.#handler.broker.now())
    }
    if (this.#outgoingAliases !== undefined && message.topicEnd - message.topicStart > TOPIC_ALIAS_BYTES) {
      const known = this.#outgoingAliases.get(message.topic)
      publish.topicAlias = known || this.#outgoingAliases.propose(message.topic)
      publish.omitsTopic = known !== 0
    }
    if (this.#takesSize(publish)) return publish
    if (publish.topicAlias !== 0 && !publish.omitsTopic) {
      // Without introducing an alias it is three bytes smaller.
      publish.topicAlias = 0
      if (this.#takesSize(publish)) return publish
    }
    // [MQTT-3.1.2-24] [MQTT-3.1.2-25]
    this.#handler.counters.tooLarge += 1
    return undefined
  }

  #takesRuns(subscriptionIdentifiers: readonly number[]): boolean {
    return subscriptionIdentifiers.length === 0 && this.#outgoingAliases === undefined
  }

  #takesSize(publish: Publish): boolean {
    const { maximumPacketSize } = this.connection
    return maximumPacketSize === Number.POSITIVE_INFINITY || publishSize(publish, 5) <= maximumPacketSize
  }

  #drop(messages: number): void {
    this.#handler.counters.droppedQoS0 += messages
    if (this.#dropping) return
    // Logged once each time the client falls behind, not for each message.
    this.#dropping = true
    this.readsTooSlowly()
  }
}
