import type { Identity } from './authorizer.ts'
import type { ClientListener } from './client-listener.ts'
import type { ClientSession, Refusal } from './client-session.ts'
import type { Recipient } from './recipient.ts'
import type { StoredWill, StorePressure } from './store.ts'
import type { TurnQueue, TurnScheduler } from './turn-scheduler.ts'

/** The methods of the broker that the packet handler uses. */
export interface ClientBroker {
  /** Work that takes more than a turn of the event loop. */
  readonly scheduler: TurnScheduler
  readonly journal: JournalPosition
  /** Whether an authorizer says what clients may do. */
  readonly isAuthorized: boolean
  /** Whether a client may receive a message on a topic now; undefined while every client may. */
  readonly mayReceive: ((identity: Identity, topic: string) => boolean) | undefined
  /** Takes the events of clients while a component watches them; undefined while none does. */
  readonly watch: Required<ClientListener> | undefined
  /** Milliseconds since 1970, on a clock that never steps back. */
  now(): number
  /** Makes a Client Identifier that begins with the prefix and that no session has [MQTT-3.2.2-16]. */
  unusedId(prefix: string): string
  /**
   * Claims the session of a Client Identifier for this process. Another process may own it.
   * @returns undefined when the claim is granted at once.
   */
  claim(clientId: string): Promise<void> | undefined
  /** Whether the client of a request may have its session. If not, no client and no session has changed. */
  admit(request: SessionRequest): Refusal | undefined
  /**
   * Opens the session of a client that was admitted: resumes it [MQTT-3.1.2-5], or makes one [MQTT-3.1.2-4] [MQTT-3.1.2-6].
   * A client that is connected with the same Client Identifier is disconnected [MQTT-3.1.4-3].
   * @returns undefined if the store cannot be read at present. The session is as it was then, and can be opened later.
   */
  open(recipient: Recipient, request: SessionRequest): OpenedSession | undefined
  /**
   * The session that continues a session of the broker which a reset has replaced by this one.
   * @returns undefined if there is none.
   */
  successorOf?(session: ClientSession): ClientSession | undefined
  /** Units of work that it costs this client to subscribe to this filter, here, in the router, the store and the authorizers. */
  subscribeUnits(filter: string, identity: Identity): number
  /** The same for the end of the subscription. */
  unsubscribeUnits(filter: string): number
  /** An answer to this client waits until the store is durable. The broker then calls `Recipient.releaseAnswers`. */
  awaitStore(session: ClientSession): void
  /**
   * A queue of work of the broker itself.
   * @param name for the log, when an item fails.
   * @param step does one step of an item and charges it with `TurnScheduler.spend`. It returns true when the item has more steps.
   */
  queue<T>(name: string, step: (item: T) => boolean): TurnQueue<T>
}

/** The request of a client that connects. */
export interface SessionRequest {
  readonly identity: Identity
  /** The user that the client proved to be. */
  readonly owner: string | undefined
  /** Clean Start of MQTT 5.0; Clean Session before. */
  readonly cleanStart: boolean
  /** Session Expiry Interval as it is granted, in seconds. */
  readonly expiryIntervalSeconds: number
  readonly receiveMaximum: number
  readonly will: StoredWill | undefined
}

export interface OpenedSession {
  readonly session: ClientSession
  /** Session Present. */
  readonly isPresent: boolean
  /** The batch with which the session came into the store: CONNACK waits for it. 0 if it is stored or is not to be. */
  readonly batch: number
}

/** The progress of the broker's journal. */
export interface JournalPosition {
  /** Grows with each record that is appended: an answer depends on what was appended since its packet came. */
  readonly position: number
  /** The batch of the last record: durable once that is. */
  readonly lastBatch: number
  /** All batches up to this one are durable. */
  readonly durableBatch: number
  /** Whether the store keeps pace. */
  readonly pressure: StorePressure
}
