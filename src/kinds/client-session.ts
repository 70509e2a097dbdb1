import type { Message } from '../mqtt/message.ts'
import type { Publish } from '../mqtt/publish.ts'
import type { PublishRun } from '../mqtt/publish-run.ts'
import type { ReasonCode } from '../mqtt/reason-code.ts'
import type { Subscription } from '../mqtt/subscription.ts'
import type { Recipient, WillOutcome } from './recipient.ts'

/** The session of a client for the packet handler: the broker's side of SUBSCRIBE, PUBLISH, acknowledgements and DISCONNECT. */
export interface ClientSession {
  /** The Client Identifier. */
  readonly id: string
  /** The client while it is connected. */
  readonly recipient: Recipient | undefined
  /** Whether it has ended: another session may have its Client Identifier. */
  readonly hasEnded: boolean
  /** Whether it outlives its connection, and so is in the store. */
  readonly persistent: boolean
  /** Messages at QoS 1 and 2 for the client. */
  readonly outbox: ClientOutbox
  /** Messages at QoS 2 from the client. */
  readonly unreleased: ClientUnreleased

  /** A reset has put another object in the place of its connected client: messages go there from now on. Nothing else changes. */
  continueWith(recipient: Recipient): void

  /**
   * Adds or replaces a subscription. Retained messages follow with the next `outbox.pump`.
   * @param retainHandling Retain Handling (section 3.8.3.1).
   * @returns why it is refused; undefined if it is made.
   */
  subscribe(subscription: Subscription, retainHandling: number): Refusal | undefined
  /**
   * Ends a subscription. Messages that are already queued are still delivered [MQTT-3.10.4-3]. @returns false when there was
   * none.
   */
  unsubscribe(filter: string): boolean

  /**
   * Publishes a message of the client: retains it if RETAIN is set, and passes it to the subscribers.
   * @param message lent.
   * @param told whether the client gets a Reason Code if there is no room to retain the message. If so, the message is not
   * delivered, since the client may send it again. Otherwise it is delivered and not retained.
   * @returns an object that the next call reuses.
   */
  publish(message: Message, told: boolean): PublishOutcome
  /**
   * Publishes all messages of a run at QoS 0, as `publish` does each of them.
   * @returns false, and publishes nothing, if they may not be published or if each must be published separately.
   */
  publishRun(run: PublishRun): boolean
  /**
   * The same at QoS 1.
   * @returns the result for each message, valid until the next run; undefined, and publishes nothing, in the cases in which
   * `publishRun` returns false.
   */
  publishAcknowledgedRun(run: PublishRun): Uint8Array | undefined
  /** Announces that a message of the client is published next, and that its answer is sent before the client's own copy. */
  answerFirst(): void
  /** The answer was sent: sends the client its own copy of the message, if it subscribes to it. @param message lent. */
  deliverOwn(message: Message): void

  /** The client sent DISCONNECT with a Session Expiry Interval, in seconds. The caller then ends the connection in this turn. */
  setExpiryInterval(seconds: number): void
  /** The client sent DISCONNECT: its Will is deleted [MQTT-3.14.4-3]. @returns whether there was one. */
  deleteWill(): boolean
  /**
   * The connection of the client is gone: the session waits for the next one, or ends.
   * @param decided what becomes of the Will, where that is decided already.
   * @param isTakenOver whether another connection of the client follows at once.
   * @returns what becomes of the Will; undefined when there was none.
   */
  detach(decided: WillOutcome | undefined, isTakenOver: boolean): WillOutcome | undefined
}

/** Why a request is refused. */
export interface Refusal {
  readonly reasonCode: ReasonCode
  readonly why: string
}

/** The result of an acknowledgement from the client. */
export type AckResult =
  /** It fits: the exchange continues or is complete. */
  | 'taken'
  /** No message with this Packet Identifier is in flight. */
  | 'unknown'
  /** A message with this Packet Identifier is in flight, but does not wait for this packet, which is a Protocol Error. */
  | 'wrong'

/** The messages at QoS 1 and 2 to one client that it has not acknowledged. */
export interface ClientOutbox {
  /** Messages that were sent and are not acknowledged. */
  readonly inflight: number
  /** CONNACK was sent: sends the client what is in flight and what waits. */
  begin(): void
  /** Sends what there is room for. */
  pump(): void
  /** PUBACK came. */
  puback(packetIdentifier: number): AckResult
  /** PUBREC came. @param refused with a Reason Code of 0x80 or more, which ends it [MQTT-4.4.0-2]. */
  pubrec(packetIdentifier: number, refused: boolean): AckResult
  /** PUBCOMP came. */
  pubcomp(packetIdentifier: number): AckResult
}

/** The kinds of message that a PUBLISH packet at QoS 2 can contain. */
export type Arrival =
  /** A message that the broker does not have. */
  | 'new'
  /** A message that the broker has accepted before: it is answered with PUBREC and not delivered again [MQTT-4.3.3-10]. */
  | 'known'
  /** A message that was refused after some subscribers got it: it gets the same answer and is not delivered again. */
  | 'refused'

/** The messages at QoS 2 that one client has sent and not released with PUBREL. */
export interface ClientUnreleased {
  /** How many of them the present connection has sent: they count towards Receive Maximum. */
  readonly ofConnection: number
  /**
   * What tells the contents of two messages apart, for `arrival` and `add`.
   * @returns undefined when messages are known by their Packet Identifiers alone.
   */
  contentOf(message: Message): number | undefined
  /** Classifies the message of a PUBLISH packet. @param content what `contentOf` gives for its message. */
  arrival(publish: Publish, message: Message, content: number | undefined): Arrival
  /** Whether one more message may be taken. */
  hasRoomFor(packetIdentifier: number): boolean
  /** The message was accepted. @param content as in `arrival`. */
  add(packetIdentifier: number, content: number | undefined): void
  /** Marks a message that only an earlier connection has sent: it does not count towards Receive Maximum. */
  inherit(packetIdentifier: number): void
  /** The message was refused after other subscribers got it. */
  addRefused(packetIdentifier: number): void
  /** The client released it. @returns false when there was none. */
  release(packetIdentifier: number): boolean
}

/** The result of a publish of a client. */
export interface PublishOutcome {
  /** Success, No matching subscribers, or the reason of the refusal. Preliminary while the message is `pending`. */
  readonly reasonCode: ReasonCode
  /** The number of subscribers that got it, as far as known. */
  readonly subscribers: number
  /** Whether the full queue of a subscriber refused it, though others may have got it. */
  readonly isRefused: boolean
  /**
   * Set while the message is delivered over several turns of the event loop: it reports the end. The client is not read until
   * then. Undefined if the delivery is complete.
   */
  readonly pending: PendingPublication | undefined
}

/** A message on its way to its subscribers, over several turns of the event loop. */
export interface PendingPublication {
  /** Kept, in memory of its own. */
  readonly message: Message
  /** Whether something was appended to the journal that the answer has to wait for. */
  readonly hasAppended: boolean
  /** Whether the full queue of a subscriber refused the message. */
  readonly isRefused: boolean
  /**
   * Sets the function that is called when all subscribers have the message: at once if they have it already, never if the
   * delivery failed.
   */
  whenFinished(listener: (reasonCode: ReasonCode, publication: PendingPublication) => void): void
}
