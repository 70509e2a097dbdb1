import type { Message } from '../mqtt/message.ts'
import type { Publish } from '../mqtt/publish.ts'
import type { PublishRun } from '../mqtt/publish-run.ts'
import type { ReasonCode } from '../mqtt/reason-code.ts'
import type { Subscription } from '../mqtt/subscription.ts'
import type { Recipient, WillOutcome } from './recipient.ts'

/** The session of a client as its packets see it: the broker's side of SUBSCRIBE, PUBLISH, acknowledgements and DISCONNECT. */
export interface ClientSession {
  /** The Client Identifier. */
  readonly id: string
  /** The client while it is connected. */
  readonly recipient: Recipient | undefined
  /** Whether it has ended: another session may have its Client Identifier. */
  readonly hasEnded: boolean
  /** Messages at QoS 1 and 2 for the client. */
  readonly outbox: ClientOutbox
  /** Messages at QoS 2 from the client. */
  readonly unreleased: ClientUnreleased

  /**
   * Makes or replaces a subscription. Retained messages follow with the next `outbox.pump`.
   * @param retainHandling Retain Handling (section 3.8.3.1).
   * @returns why not; undefined when it is made.
   */
  subscribe(subscription: Subscription, retainHandling: number): Refusal | undefined
  /** Ends a subscription. What is on its way is still delivered [MQTT-3.10.4-3]. @returns false when there was none. */
  unsubscribe(filter: string): boolean

  /**
   * Publishes a message of the client: retains it if it is to be retained, and passes it to the subscribers.
   * @param message lent.
   * @param told whether the client learns that there is no room to retain it: then nobody gets it, since it may be sent again.
   * Otherwise it is delivered even so.
   * @returns filled again by the next call.
   */
  publish(message: Message, told: boolean): PublishOutcome
  /**
   * Publishes all messages of a run at QoS 0, as `publish` does each of them.
   * @returns false, and publishes nothing, when they may not be published, or when each is to be published by itself.
   */
  publishRun(run: PublishRun): boolean
  /**
   * The same at QoS 1.
   * @returns what the client is told of each, good until the next run; undefined, and publishes nothing, as `publishRun` false.
   */
  publishAcknowledgedRun(run: PublishRun): Uint8Array | undefined
  /** A message of the client is published next, and its answer is to leave before the client is sent its own copy. */
  answerFirst(): void
  /** The client has its answer: it gets its own copy of the message, if it is to have one. @param message lent. */
  deliverOwn(message: Message): void

  /** Sets the Session Expiry Interval, in seconds. */
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

/** What became of an acknowledgement from the client. */
export type AckResult =
  /** The exchange goes on or is over, as it should. */
  | 'taken'
  /** No message is out under this Packet Identifier. */
  | 'unknown'
  /** One is, but it does not wait for this packet: the client breaks the protocol. */
  | 'wrong'

/** The messages at QoS 1 and 2 on their way to one client. */
export interface ClientOutbox {
  /** CONNACK has left: the client is sent what it is owed. */
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

/** What a PUBLISH packet at QoS 2 brings. */
export type Arrival =
  /** A message that the broker does not have. */
  | 'new'
  /** One that it has taken already: PUBREC is the answer, and it is not delivered again [MQTT-4.3.3-10]. */
  | 'known'
  /** One that it has refused when other subscribers had got it: the same answer, and it is not delivered again. */
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
  /** Decides what a PUBLISH packet brings. @param content what `contentOf` gives for its message. */
  arrival(publish: Publish, message: Message, content: number | undefined): Arrival
  /** Whether one more message may be taken. */
  hasRoomFor(packetIdentifier: number): boolean
  /** The message was taken. @param content as in `arrival`. */
  add(packetIdentifier: number, content: number | undefined): void
  /** An earlier connection has sent it, and the present one not: it does not count towards Receive Maximum. */
  inherit(packetIdentifier: number): void
  /** The message was refused when others had got it. */
  addRefused(packetIdentifier: number): void
  /** The client released it. @returns false when there was none. */
  release(packetIdentifier: number): boolean
}

/** What became of a message that a client published. */
export interface PublishOutcome {
  /** Success, No matching subscribers, or why it was not accepted. Of a message that is `pending`, what is known so far. */
  readonly reasonCode: ReasonCode
  /** Subscribers that got it, as far as is known at once. */
  readonly subscribers: number
  /** Whether the full queue of a subscriber refused it, though others may have got it. */
  readonly isRefused: boolean
  /**
   * The message takes several turns of the event loop: says when it is over. Nothing is read from the client until then.
   * Undefined when it is over.
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
  /** Sets who is told when all subscribers have the message: at once if they have it already, and never if that has failed. */
  whenFinished(listener: (reasonCode: ReasonCode, publication: PendingPublication) => void): void
}
