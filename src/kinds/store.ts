import type { QoS } from 'mqtt-packet'
import type { Message } from '../mqtt/message.ts'
import type { Subscription } from '../mqtt/subscription.ts'
import { kind } from '../system/kind.ts'
import type { DurableBatches } from './durability.ts'
import type { IdentityAttributes } from './identity.ts'
import type { Peer } from './peer.ts'

/**
 * The journal of the state that outlives a network connection: sessions that do not end with it, and retained messages. State
 * that is read often (subscriptions, messages in flight to connected clients, the tree of retained messages) is in the memory
 * of its owner. The store takes every change of it as a record. An acknowledgement that promises something waits until the
 * batch that holds the records is durable. The messages that wait for a client that is away are only in the store, and are read
 * from it in pages. Everything is synchronous except the pages of `restore`. No method except `read` throws: a record that cannot be
 * written yet is kept and written later.
 */
export interface Store extends DurableBatches {
  /** Returns the stored state, to be read once. Called once, before the first record. */
  restore(): StoredState
  /** Takes a change into the batch of this turn of the event loop. Records are plain data and are not changed afterwards. */
  append(record: StoreRecord): void
  /**
   * The messages of a session's queue behind a sequence number, in their order, with everything appended so far. A message that is
   * lost, since its place in the store is damaged, is left out and leaves the queue.
   * @param limit how many at most.
   * @throws any Error if messages cannot be read at present, and may be read later: they must not be left out. The broker disconnects
   * or refuses a client that needs them, and asks again when the client comes back.
   */
  read(session: string, afterSequence: number, limit: number): readonly QueuedMessage[]
  /** Whether the store keeps pace. It takes and keeps every record in each of these states. */
  readonly pressure: StorePressure
  /**
   * Sets the function that is called each time `durableBatch` has grown or `pressure` has changed, but not within `append`. At
   * the call both have their new values. One call may report several changes.
   */
  onDurable(listener: () => void): void
}

/**
 * - `none`: the store keeps pace.
 * - `slow`: more records wait to be written than the store wants to hold. Answers that wait for it are late.
 * - `stuck`: the last attempt to write failed, for example because the disk is full. The store tries again until it succeeds.
 */
export type StorePressure = 'none' | 'slow' | 'stuck'

/** Unique: the state would be divided between two stores. */
export const Store = kind<Store>()('Store', { unique: true })

/** The most entries of a page of `StoredState`. */
export const RESTORE_PAGE = 1_000

/**
 * What a store holds when a system starts, page by page: at most `RESTORE_PAGE` entries each, and none is empty. The event loop
 * turns between two pages. Each sequence is read once, the sessions first, and from its beginning to its end. If it cannot be
 * read, the iteration rejects.
 */
export interface StoredState {
  /** Read before the first record is appended. The system does not start if it rejects. */
  readonly sessions: AsyncIterable<readonly StoredSession[]>
  /**
   * May be read while records are appended. A page is read from the store when it is asked for, and has every message as it
   * was at that moment, with everything appended so far. A message that is retained meanwhile may be in a page or not.
   */
  readonly retained: AsyncIterable<readonly StoredRetained[]>
}

/** A message without a source may be given as a `PackedMessage`, which is restored faster and takes less memory until it is delivered. */
export interface StoredRetained {
  readonly message: Message
  /** Who published it. Omitted for a message of the server itself, and if it is not known. */
  readonly source?: RetainedSource | undefined
}

/**
 * The client that published a retained message: what authorization and the quota of its user need. The broker gives the same object
 * with all messages of one publisher, and never changes it. A store that gives the same object for equal sources is restored faster.
 */
export interface RetainedSource extends Pick<SessionRecord, 'userName' | 'claimedUserName' | 'attributes'> {
  readonly clientId: string
  /** Without its port (0); omitted if it is not known. */
  readonly peer?: Peer | undefined
}

export interface StoredSession extends SessionRecord {
  readonly subscriptions: readonly Subscription[]
  /** Packet Identifiers of QoS 2 messages that the client has sent and not yet released. */
  readonly received: readonly number[]
  /**
   * How many messages are in its queue, the bytes of those that `read` gives (`Message.size`), and the highest sequence
   * number that there was, or at least that of the last of them: the next one is above it.
   */
  readonly queue: { readonly count: number; readonly bytes: number; readonly lastSequence: number }
}

/** A session apart from its subscriptions and messages. */
export interface SessionRecord {
  /** The Client Identifier. */
  readonly id: string
  /** The authenticated user that owns the session. Other users may not resume it. */
  readonly userName: string | undefined
  /** The user name that its client gave, if it proved none: for authorization. Omitted if it is not known. */
  readonly claimedUserName?: string | undefined
  /** What the authenticator found out about its client, for authorization; omitted if there is nothing. */
  readonly attributes?: IdentityAttributes | undefined
  /** The peer of its client's last connection; omitted if it is not known. */
  readonly peer?: Peer | undefined
  /** Session Expiry Interval in seconds; 0xFFFFFFFF never ends. */
  readonly expiryIntervalSeconds: number
  /** When its client disconnected, on the clock of `Message.expiresAtMs`; undefined while it is connected. */
  readonly disconnectedAtMs: number | undefined
  /** Published when the session ends, or before, when its delay is over. */
  readonly will: StoredWill | undefined
}

export interface StoredWill {
  readonly message: Message
  readonly delaySeconds: number
  /** Message Expiry Interval, which begins when the Will Message is published; -1 is none. */
  readonly messageExpiryInterval: number
}

/** A message in the queue of a session, until the client has acknowledged it. */
export interface QueuedMessage {
  /** Counts up within the session, from 1: the order of delivery. */
  readonly sequence: number
  /** Kept, not lent. */
  readonly message: Message
  /** The QoS of this delivery: 1 or 2. */
  readonly qos: QoS
  readonly retain: boolean
  readonly subscriptionIdentifiers: readonly number[]
  /** As in `Delivery.shared`. */
  readonly shared: string | undefined
  readonly queuedAtMs: number
  /** Set once it was sent, and kept for sending it again; 0 before. */
  readonly packetIdentifier: number
  /**
   * QoS 2: 0 until the client has received it (PUBREC). Then its place in the order of the session's PUBREC packets, which
   * counts up from 1; PUBREL is what the client is sent from now on, in this order.
   */
  readonly pubrecOrder: number
}

/** A change. `session` is a Client Identifier. Records for unknown sessions are ignored. */
export type StoreRecord =
  /** A session, new or changed; its subscriptions and messages stay. */
  | { readonly type: 'session'; readonly session: SessionRecord }
  /** The session ended: everything of it is removed. No effect if there is no such session. */
  | { readonly type: 'session-ended'; readonly session: string }
  | { readonly type: 'subscribed'; readonly session: string; readonly subscription: Subscription }
  | { readonly type: 'unsubscribed'; readonly session: string; readonly filter: string }
  /** A message for the end of the session's queue; one that is sent at once has its Packet Identifier already. */
  | { readonly type: 'queued'; readonly session: string; readonly queued: QueuedMessage }
  /** It was sent under this Packet Identifier. */
  | { readonly type: 'sent'; readonly session: string; readonly sequence: number; readonly packetIdentifier: number }
  /** PUBREC came for it: its content is not needed any more. */
  | { readonly type: 'pubrec'; readonly session: string; readonly sequence: number; readonly pubrecOrder: number }
  /** It was acknowledged, expired or dropped, and leaves the queue. */
  | { readonly type: 'done'; readonly session: string; readonly sequence: number }
  /** QoS 2 from the client: the message with this Packet Identifier was taken, */
  | { readonly type: 'received'; readonly session: string; readonly packetIdentifier: number }
  /** and released. */
  | { readonly type: 'released'; readonly session: string; readonly packetIdentifier: number }
  /** The retained message of its topic, kept, instead of any earlier one. */
  | ({ readonly type: 'retained' } & StoredRetained)
  | { readonly type: 'retained-removed'; readonly topic: string }
