import type { QoS } from 'mqtt-packet'
import type { Message } from '../mqtt/message.ts'
import type { ProtocolVersion } from '../mqtt/protocol-version.ts'
import type { Publish, PublishFields } from '../mqtt/publish.ts'
import type { PublishRun } from '../mqtt/publish-run.ts'
import type { ReasonCode } from '../mqtt/reason-code.ts'
import type { Identity } from './authorizer.ts'

/** The outcome of the Will when a connection ends. */
export type WillOutcome = 'published' | 'due' | 'dropped' | 'delayed' | 'deleted'

/** Sends messages to a connected client. */
export interface MessageReceiver {
  /** Whether messages can be sent to it now: its CONNACK has left, and its connection is open and not congested. */
  readonly sendable: boolean
  /**
   * Fills a PUBLISH packet for this client. Call `sendPublish` directly after it, with a Packet Identifier at QoS 1 and 2.
   * @returns undefined if the message is too large for the client, or if the client may not receive it.
   */
  prepare(
    message: Message,
    qos: QoS,
    retain: boolean,
    subscriptionIdentifiers: readonly number[],
  ): PublishFields | undefined
  /** Sends a PUBLISH packet that was prepared for this client. @param publish the packet that `prepare` returned. */
  sendPublish(publish: Publish): void
  /** Sends a message at QoS 0, or drops and counts it if the client reads too slowly. @param message lent. */
  deliverQoS0(message: Message, retain: boolean, subscriptionIdentifiers: readonly number[]): void
  /**
   * The same for all messages of a run. @returns false, and does nothing, if the messages have different forms for this client.
   */
  deliverRun(run: PublishRun, subscriptionIdentifiers: readonly number[]): boolean
  /** Whether all messages of a run at QoS 1 have the same form for this client, and whether it may receive them. */
  takesRun(run: PublishRun, subscriptionIdentifiers: readonly number[]): boolean
  /** Sends a run at QoS 1. @param packetIdentifiers of the messages, lent. @returns false if a filter needs single packets. */
  sendRun(run: PublishRun, packetIdentifiers: Uint16Array): boolean
}

/** A connected client, as the broker sees it. The packet handler implements it. */
export interface Recipient extends MessageReceiver {
  readonly identity: Identity
  readonly isVersion5: boolean
  /** Sends PUBREL for a message at QoS 2 that the client has received. */
  sendPubrel(packetIdentifier: number): void
  /** Charges the client for work, as `Connection.chargeWork`. */
  chargeWork(units: number): void
  /** Stops reading from the client while a message of it is delivered over several turns. */
  pauseForPublication(): void
  resumeAfterPublication(): void
  /** The batch is durable: sends the answers that waited for it. @returns whether answers still wait. */
  releaseAnswers(): boolean
  /** Ends the connection, with a Reason Code if the version has one. */
  disconnect(reasonCode: ReasonCode, why: string, options?: DisconnectOptions): void
  /** Describes the client for the log. */
  describe(): RecipientDescription
  /** Describes the current state for operators. */
  info(): RecipientInfo
}

export interface DisconnectOptions {
  /** The Reason String for the client. Default: `why`. Empty: the client gets none. */
  readonly reasonString?: string
  /** The address of the client that took the Client Identifier over. */
  readonly takenOverBy?: string
  /** The outcome of the Will, if it is already decided. */
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
