import { setTimeout as sleep } from 'node:timers/promises'
import type { QoS } from 'mqtt-packet'
import { PacketType } from '../mqtt/packet-type.ts'
import type { PropertiesObject } from '../mqtt/read-properties.ts'
import { ReasonCode } from '../mqtt/reason-code.ts'
import { protocolError } from '../mqtt/refusal.ts'
import { BrokerConnection, type ConnectionOptions } from './broker-connection.ts'
import { BrokerTerms } from './broker-terms.ts'
import { ClientError, refusedBy } from './client-error.ts'
import {
  type ConnectFields,
  encodeAcknowledgement,
  encodeConnect,
  encodeDisconnect,
  encodePublishHeader,
  encodeSubscribe,
  type SubscriptionRequest,
} from './client-packet.ts'
import { IncomingTopics } from './incoming-topics.ts'
import { isTransient } from './is-transient.ts'
import { OutgoingMessages, type PublishMessage, type PublishResult } from './outgoing-messages.ts'
import { protocolFault } from './packet-parser.ts'
import type {
  Connack,
  ReceivedAcknowledgement,
  ReceivedPublish,
  ServerPacket,
  SubscriptionAnswer,
} from './server-packet.ts'

/** A message from the broker, with its topic also where the packet had a Topic Alias. */
export interface ReceivedMessage {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  readonly retain: boolean
  readonly dup: boolean
  readonly packetIdentifier: number
  readonly properties: PropertiesObject
}

/** How a client connects again. */
export interface ReconnectOptions {
  /** The first delay. Each failed attempt doubles it. */
  readonly minimumMs: number
  readonly maximumMs: number
  /** The connection was lost, or an attempt failed. */
  readonly onRetry?: (error: ClientError, delayMs: number) => void
  readonly onConnected?: (sessionPresent: boolean) => void
}

export interface ClientOptions extends ConnectFields, ConnectionOptions {
  /** Without it the client ends with its first connection. */
  readonly reconnect?: ReconnectOptions | undefined
  /** Messages in flight at QoS 1 and 2, beside Receive Maximum of the broker. */
  readonly maximumInFlight?: number | undefined
  /** Gets each message. While the promise that it returns is pending, nothing more is read and the message is not acknowledged. */
  readonly onMessage?: ((message: ReceivedMessage) => Promise<void> | undefined) | undefined
}

/**
 * An MQTT client. Messages at QoS 1 and 2 and its subscriptions outlive a network connection: when it connects again, it resumes
 * the session if the broker still has it, and subscribes again otherwise.
 */
export class MqttClient {
  /** Resolves when the client has ended, with the reason. The code is ENDED if `disconnect` did it. */
  readonly ended: Promise<ClientError>
  readonly #options: ClientOptions
  readonly #outgoing = new OutgoingMessages()
  /** Packet Identifiers at QoS 2 that were received and not released. [MQTT-4.3.3-10] */
  readonly #unreleased = new Set<number>()
  readonly #subscriptions: {
    readonly requests: readonly SubscriptionRequest[]
    readonly properties?: PropertiesObject
  }[] = []
  readonly #answers = new Map<number, (answer: SubscriptionAnswer | ClientError) => void>()
  readonly #stop = new AbortController()
  #resolveEnded!: (error: ClientError) => void
  #end: ClientError | undefined
  #connection: BrokerConnection | undefined
  /** Callers that wait until the client is connected or has ended. */
  #waiting: (() => void)[] = []
  #topics = new IncomingTopics(0)
  #terms = new BrokerTerms({})

  constructor(options: ClientOptions) {
    this.#options = options
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
  }

  /** The messages at QoS 1 and 2 that are not acknowledged. */
  get inFlight(): number {
    return this.#outgoing.size
  }

  /** Connects for the first time. @throws ClientError; the client has ended then. */
  async connect(): Promise<Connack> {
    try {
      return await this.#open(true)
    } catch (error) {
      this.#finish(error as ClientError)
      throw error
    }
  }

  /**
   * Publishes a message. At QoS 0 it resolves when the network has room for more; at QoS 1 and 2 when the broker has acknowledged
   * it, also on a later connection.
   * @param progress gets the bytes of a streamed payload that were sent.
   * @throws ClientError.
   */
  async publish(message: PublishMessage, progress?: (bytes: number) => void): Promise<PublishResult> {
    const connection = this.#connection?.open ? this.#connection : await this.#connected()
    const header = this.#checkPublish(message)
    if (message.qos === 0) {
      await connection.sendPublish(header, message.payload, progress)
      return { reasonCode: 0, properties: {} }
    }
    const { done } = await this.#outgoing.add(message, progress)
    // Waiting for its place may have taken a while.
    await this.#connected()
    this.#sendNext()
    return done
  }

  /** @returns the Reason Codes, in the order of the requests. @throws ClientError. */
  async subscribe(requests: readonly SubscriptionRequest[], properties?: PropertiesObject): Promise<readonly number[]> {
    await this.#connected()
    const codes = await this.#subscribe(requests, properties)
    this.#subscriptions.push(properties === undefined ? { requests } : { requests, properties })
    return codes
  }

  /**
   * Ends the client: sends DISCONNECT and closes. Never rejects.
   * @returns false if not all that was published at QoS 0 could be sent.
   */
  async disconnect(reasonCode = 0, properties?: PropertiesObject): Promise<boolean> {
    const connection = this.#connection
    this.#finish(new ClientError('ENDED', 'The client was ended.'))
    if (!connection?.open) return true
    return connection.close(encodeDisconnect(this.#options.protocolVersion, reasonCode, properties))
  }

  /** Ends the client without DISCONNECT. */
  destroy(error = new ClientError('ENDED', 'The client was ended.')): void {
    this.#finish(error)
    this.#connection?.destroy(error)
  }

  /** @throws ClientError when the client has ended. */
  async #connected(): Promise<BrokerConnection> {
    for (;;) {
      if (this.#end !== undefined) throw this.#end
      if (this.#connection?.open) return this.#connection
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async #open(isFirst: boolean): Promise<Connack> {
    const options = this.#options
    // A session that is to be resumed is not started anew.
    const cleanStart = isFirst ? options.cleanStart : !this.#keepsSession()
    const connection = await BrokerConnection.open(
      { ...options, signal: this.#stop.signal },
      encodeConnect({ ...options, cleanStart }),
    )
    const { connack } = connection
    this.#applyConnack(connack)
    if (!connack.sessionPresent) {
      this.#outgoing.forgetSession()
      this.#unreleased.clear()
    }
    this.#outgoing.beginConnection(Math.min(this.#terms.receiveMaximum, options.maximumInFlight ?? 65_535))
    this.#connection = connection
    connection.receive((packet) => this.#take(packet, connection))
    void connection.closed.then((error) => this.#lost(error))
    this.#resend()
    if (!isFirst && !connack.sessionPresent) this.#resubscribe()
    this.#wake()
    return connack
  }

  /** Subscribes again in a new session. What the broker refuses now ends the client: it would wait for nothing. */
  #resubscribe(): void {
    for (const { requests, properties } of this.#subscriptions) {
      this.#subscribe(requests, properties).then(
        (codes) => {
          const refused = codes.find((code) => code >= 0x80)
          if (refused !== undefined) this.destroy(refusedBy('subscription after the session was lost', refused))
        },
        // The connection was lost: the next one subscribes again.
        () => {},
      )
    }
  }

  #keepsSession(): boolean {
    const { protocolVersion, cleanStart, properties } = this.#options
    return protocolVersion === 5 ? Number(properties?.['sessionExpiryInterval'] ?? 0) > 0 : !cleanStart
  }

  #applyConnack({ properties }: Connack): void {
    this.#terms = new BrokerTerms(properties)
    this.#topics = new IncomingTopics(Number(this.#options.properties?.['topicAliasMaximum'] ?? 0))
  }

  /** @returns the packet up to its payload, with the Packet Identifier 1. @throws ClientError. */
  #checkPublish(message: PublishMessage): Buffer {
    const header = this.#header(message, 1, false)
    this.#terms.check(message, header.length + message.payload.length)
    return header
  }

  #header(message: PublishMessage, packetIdentifier: number, dup: boolean): Buffer {
    const { payload, ...fields } = message
    return encodePublishHeader(
      { ...fields, payloadLength: payload.length },
      packetIdentifier,
      dup,
      this.#options.protocolVersion,
    )
  }

  /** Sends again what was not acknowledged, in order [MQTT-4.4.0-1] [MQTT-4.6.0-1]. No PUBREL waits for Receive Maximum. */
  #resend(): void {
    for (const { state, packetIdentifier } of this.#outgoing.all()) {
      if (state === 'released') this.#acknowledge(PacketType.Pubrel, packetIdentifier)
    }
    this.#sendNext()
  }

  /** Sends the messages for which Receive Maximum has room [MQTT-3.3.4-9]. */
  #sendNext(): void {
    const connection = this.#connection
    if (!connection?.open) return
    for (let entry = this.#outgoing.takeNext(); entry !== undefined; entry = this.#outgoing.takeNext()) {
      const { message, packetIdentifier, progress } = entry
      const abandon = (error: unknown): void => this.#outgoing.abandon(packetIdentifier, error as Error)
      const header = this.#header(message, packetIdentifier, entry.wasSent)
      try {
        // The broker of a later connection may take less.
        this.#terms.check(message, header.length + message.payload.length)
      } catch (error) {
        abandon(error)
        continue
      }
      entry.wasSent = true
      // A payload that cannot be read ends the connection as well.
      connection.sendPublish(header, message.payload, progress).catch(abandon)
    }
  }

  /** The message has ended: another one may be sent. */
  #complete({ packetIdentifier, properties }: ReceivedAcknowledgement, reasonCode: number): void {
    this.#outgoing.complete(packetIdentifier, reasonCode, properties)
    this.#sendNext()
  }

  async #subscribe(
    requests: readonly SubscriptionRequest[],
    properties?: PropertiesObject,
  ): Promise<readonly number[]> {
    const identifier = this.#outgoing.reserve()
    const answer = new Promise<SubscriptionAnswer | ClientError>((resolve) => this.#answers.set(identifier, resolve))
    void this.#connection?.send(encodeSubscribe(requests, identifier, this.#options.protocolVersion, properties))
    const result = await answer
    this.#outgoing.free(identifier)
    if (result instanceof ClientError) throw result
    return result.reasonCodes
  }

  #take(packet: ServerPacket, connection: BrokerConnection): Promise<void> | undefined {
    switch (packet.type) {
      case PacketType.Publish:
        return this.#takePublish(packet, connection)
      case PacketType.Suback:
      case PacketType.Unsuback:
        this.#takeAnswer(packet)
        return undefined
      case PacketType.Puback:
      case PacketType.Pubrec:
      case PacketType.Pubrel:
      case PacketType.Pubcomp:
        this.#takeAcknowledgement(packet)
        return undefined
      default:
        throw protocolFault(protocolError('A second CONNACK packet came.'))
    }
  }

  #takePublish(packet: ReceivedPublish, connection: BrokerConnection): Promise<void> | undefined {
    const { type: _, ...message } = packet
    const topic = this.#topics.topicOf(packet)
    const isAgain = packet.qos === 2 && this.#unreleased.has(packet.packetIdentifier)
    const taken = isAgain ? undefined : this.#options.onMessage?.({ ...message, topic })
    if (taken !== undefined) return taken.then(() => this.#acknowledgePublish(packet, connection))
    this.#acknowledgePublish(packet, connection)
    return undefined
  }

  #acknowledgePublish({ qos, packetIdentifier }: ReceivedPublish, connection: BrokerConnection): void {
    if (qos === 2) this.#unreleased.add(packetIdentifier)
    if (qos === 0 || !connection.open) return
    this.#acknowledge(qos === 1 ? PacketType.Puback : PacketType.Pubrec, packetIdentifier)
  }

  #takeAnswer(answer: SubscriptionAnswer): void {
    const resolve = this.#answers.get(answer.packetIdentifier)
    if (resolve === undefined)
      throw protocolFault(protocolError('An answer to a SUBSCRIBE packet came that was not sent.'))
    this.#answers.delete(answer.packetIdentifier)
    resolve(answer)
  }

  #takeAcknowledgement(acknowledgement: ReceivedAcknowledgement): void {
    const { type, packetIdentifier, reasonCode } = acknowledgement
    const isKnown = this.#outgoing.get(packetIdentifier)?.wasSent === true
    switch (type) {
      case PacketType.Puback:
        if (isKnown) this.#complete(acknowledgement, reasonCode)
        return
      case PacketType.Pubcomp:
        // "Packet Identifier not found" answers a PUBREL that was sent again: the broker had the message.
        if (isKnown) this.#complete(acknowledgement, 0)
        return
      case PacketType.Pubrec:
        if (isKnown && reasonCode >= 0x80) this.#complete(acknowledgement, reasonCode)
        else if (this.#outgoing.release(packetIdentifier)) this.#acknowledge(PacketType.Pubrel, packetIdentifier)
        else this.#acknowledge(PacketType.Pubrel, packetIdentifier, ReasonCode.PacketIdentifierNotFound)
        return
      default: {
        const wasThere = this.#unreleased.delete(packetIdentifier)
        this.#acknowledge(PacketType.Pubcomp, packetIdentifier, wasThere ? 0 : ReasonCode.PacketIdentifierNotFound)
      }
    }
  }

  #acknowledge(type: PacketType, packetIdentifier: number, reasonCode = 0): void {
    void this.#connection?.send(
      encodeAcknowledgement(type, packetIdentifier, this.#options.protocolVersion, reasonCode),
    )
  }

  /** The connection ended: connects again, or ends the client. */
  async #lost(error: ClientError): Promise<void> {
    const { reconnect } = this.#options
    for (const resolve of this.#answers.values()) resolve(error)
    this.#answers.clear()
    if (this.#end !== undefined) return
    if (reconnect === undefined || !isTransient(error)) return this.#finish(error)
    let reason = error
    for (
      let delayMs = reconnect.minimumMs;
      this.#end === undefined;
      delayMs = Math.min(delayMs * 2, reconnect.maximumMs)
    ) {
      reconnect.onRetry?.(reason, delayMs)
      // Between half of it and all of it: the clients of a broker that restarts do not come at the same time.
      await sleep(delayMs * (0.5 + Math.random() / 2), undefined, { signal: this.#stop.signal }).catch(() => {})
      if (this.#end !== undefined) return
      try {
        const { sessionPresent } = await this.#open(false)
        reconnect.onConnected?.(sessionPresent)
        return
      } catch (failure) {
        reason = failure as ClientError
        if (!isTransient(reason)) return this.#finish(reason)
      }
    }
  }

  #finish(error: ClientError): void {
    if (this.#end !== undefined) return
    this.#end = error
    this.#stop.abort(error)
    this.#outgoing.fail(error)
    for (const resolve of this.#answers.values()) resolve(error)
    this.#answers.clear()
    this.#wake()
    this.#resolveEnded(error)
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
