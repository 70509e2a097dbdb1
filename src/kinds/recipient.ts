import type { QoS } from 'mqtt-packet'
import type { Message } from '../mqtt/message.ts'
import type { ProtocolVersion } from '../mqtt/protocol-version.ts'
import type { Publish, PublishFields } from '../mqtt/publish.ts'
import type { PublishRun } from '../mqtt/publish-run.ts'
import type { ReasonCode } from '../mqtt/reason-code.ts'
import type { Identity } from './authorizer.ts'

/** What becomes of the Will when a connection ends. */
export type WillOutcome = 'published' | 'due' | 'dropped' | 'delayed' | 'deleted'

/** How messages get to a connected client. */
export interface MessageReceiver {
  /** Whether messages can be sent to it now: its CONNACK has left, and its connection is open and not congested. */
  readonly sendable: boolean
  /**
   * Fills a PUBLISH packet for this client; `sendPublish` is to follow at once, with a Packet Identifier at QoS 1 and 2.
   * @returns undefined when this client cannot have the message: it is too large for it, or it may not receive it.
   */
  prepare(
    message: Message,
    qos: QoS,
    retain: boolean,
    subscriptionIdentifiers: readonly number[],
  ): PublishFields | undefined
  /** Sends a PUBLISH packet that was prepared for this client. @param publish the packet that `prepare` returned. */
  sendPublish(publish: Publish): void
  /** Sends a message at QoS 0, or drops and counts it if the client does not read fast enough. @param message lent. */
  deliverQoS0(message: Message, retain: boolean, subscriptionIdentifiers: readonly number[]): void
  /** The same for all messages of a run. @returns false, and does nothing, when each takes another form for this client. */
  deliverRun(run: PublishRun, subscriptionIdentifiers: readonly number[]): boolean
  /** Whether all messages of a run at QoS 1 take the same form for this client, which it may have. */
  takesRun(run: PublishRun, subscriptionIdentifiers: readonly number[]): boolean
  /** Sends a run that it takes. @param packetIdentifiers theirs, lent. @returns false when a filter wants each of them. */
  sendRun(run: PublishRun, packetIdentifiers: Uint16Array): boolean
}

/** What the broker sees of a connected client. The handler of packets implements it. */
export interface Recipient extends MessageReceiver {
  readonly identity: Identity
  readonly isVersion5: boolean
  /** PUBREL for a message at QoS 2 that the client has. */
  sendPubrel(packetIdentifier: number): void
  /** Charges the client for work, as `Connection.chargeWork`. */
  chargeWork(units: number): void
  /** A message of the client is on its way to subscribers over several turns: nothing is read from it until then. */
  pauseForPublication(): void
  resumeAfterPublication(): void
  /** What was appended to the store is durable: answers leave. @returns whether some wait still. */
  releaseAnswers(): boolean
  /** Ends the connection, and says why as far as the version can say it. */
  disconnect(reasonCode: ReasonCode, why: string, options?: DisconnectOptions): void
  /** For lines of the log. */
  describe(): RecipientDescription
  /** For the operator: what it is now. */
  info(): RecipientInfo
}

export interface DisconnectOptions {
  /** For the client; empty when it is not to know, and `why` unless told otherwise. */
  readonly reasonString?: string
  /** The address of the client that took the Client Identifier over. */
  readonly takenOverBy?: string
  /** What becomes of the Will, where that is decided already. */
  readonly will?: WillOutcome | undefined
}

export interface RecipientDescription {
  /** `kitchen from 192.0.2.7:5123 (MQTT 5, user bob)` */
  readonly text: string
  /** The fields that every line about the client has. */
  readonly fields: Readonly<Record<string, unknown>>
}

export interface RecipientInfo {
  readonly protocolVersion: ProtocolVersion
  /** When its CONNECT was accepted, in milliseconds since 1970. */
  readonly connectedAtMs: number
  /** In seconds; 0 is none. */
  readonly keepAliveSeconds: number
  /** Bytes that it was sent and that the operating system has not taken yet. */
  readonly pendingBytes: number
  /** Bytes that came from it since it connected. */
  readonly bytesReceived: number
}
