import type { QoS } from 'mqtt-packet'
import type { Message } from '../mqtt/message.ts'
import type { ReasonCode } from '../mqtt/reason-code.ts'
import { kind } from '../system/kind.ts'
import type { BrokerInspector } from './broker-inspector.ts'
import type { ClientBroker } from './client-broker.ts'
import type { ClientListener, ClientSummary } from './client-listener.ts'

/** A connected client, as it is now. */
export interface ClientInfo extends ClientSummary {
  /** Of its session. */
  readonly session: SessionInfo
}

/** A session, with or without a connected client. */
export interface SessionInfo {
  /** The Client Identifier. */
  readonly id: string
  readonly userName: string | undefined
  readonly connected: boolean
  /** How long it outlives its connection, in seconds; 0xffffffff means that it never ends. */
  readonly expiryIntervalSeconds: number
  /** When its client disconnected, in milliseconds since 1970; undefined while it is connected. */
  readonly disconnectedAtMs: number | undefined
  /** Topic Filters, in the order of the subscriptions, with the QoS granted. */
  readonly subscriptions: readonly { readonly filter: string; readonly qos: QoS }[]
  /** Messages at QoS 1 and 2 that were sent and not acknowledged. */
  readonly inflight: number
  /** Messages at QoS 1 and 2 that wait to be sent. */
  readonly waiting: number
  /** Whether a Will would be published if the connection were lost. */
  readonly hasWill: boolean
}

/** A message in plain values. */
export interface PlainMessage {
  /** A Topic Name. */
  readonly topic: string
  /** A string is sent as UTF-8. Empty when it is left out. */
  readonly payload?: string | Uint8Array
  /** 0 when it is left out. */
  readonly qos?: QoS
  readonly retain?: boolean
  /** How long the message lives, in seconds. */
  readonly expirySeconds?: number
}

/**
 * Topics about the broker itself, such as `$SYS/broker/uptime`. Their messages are retained in memory alone: they have no record in
 * the store and count in no limit, and they are gone when the process ends. All rules of topics apply to their subscribers.
 */
export interface VolatileTopics {
  /**
   * Publishes a message, and retains it for new subscribers instead of an earlier one on the topic.
   * @param topic begins with `$`: clients cannot publish to it, and `#` does not match it.
   * @param payload a string is sent as UTF-8. An empty one removes the retained message.
   * @param qos 0 when it is left out: a message at QoS 0 does not wait for clients that are away.
   * @throws TypeError with the problem if the topic is none of these. Error as `Broker.publish`.
   */
  publish(topic: string, payload: string | Uint8Array, qos?: QoS): Published
  /** Removes its retained messages. Subscribers are not told. */
  close(): void
}

/** The result of a publish of the server. */
export interface Published {
  /** Success, No matching subscribers, or why the message was not accepted. */
  readonly reasonCode: ReasonCode
  /** Subscribers that got it, as far as is known at once. */
  readonly subscribers: number
}

/**
 * Sessions, retained messages, publishing, and the connected clients, for operators and other components. All calls are
 * synchronous. Lists are copies.
 */
export interface Broker {
  /** The methods for the packet handler. */
  readonly forClients: ClientBroker
  /** Large lists, in steps. */
  readonly inspector: BrokerInspector
  /** Connected clients, in the order in which they connected. */
  clients(): IterableIterator<ClientInfo>
  client(id: string): ClientInfo | undefined
  /** All sessions, those of connected clients too. */
  sessions(): IterableIterator<SessionInfo>
  session(id: string): SessionInfo | undefined
  /**
   * Disconnects a client. An MQTT 5 client gets DISCONNECT. Its session continues, and its Will is published, as at each end of
   * a connection by the server.
   * @param reasonCode Administrative action (0x98) unless told otherwise.
   * @returns false when no such client is connected.
   */
  disconnect(id: string, reasonCode?: ReasonCode): boolean
  /**
   * Ends a session permanently, and disconnects its client. @returns false if there is none.
   * @throws Error if its messages cannot be read from the store at present. The session then stays.
   */
  endSession(id: string): boolean
  /**
   * The retained messages that a Topic Filter matches.
   * @param limit how many at most; 1,000 unless told otherwise.
   * @throws TypeError when this is no Topic Filter.
   */
  retained(filter: string, limit?: number): readonly Message[]
  /** Deletes the retained message of a topic. @returns false when there is none. */
  deleteRetained(topic: string): boolean
  /**
   * Publishes a message as the server: no authorizer is asked, and the topic may begin with `$`.
   * @throws TypeError with the problem if the message is invalid. Error in a listener if listeners publish and call each other
   * endlessly.
   */
  publish(message: PlainMessage | Message): Published
  /** Topics about the broker itself. Call `close` of them in `stop`. */
  volatileTopics(): VolatileTopics
  /**
   * Calls a listener with each message that a Topic Filter matches, at QoS 0. The listener may keep the message. What the
   * listener throws or rejects with is logged. Shared Subscriptions are refused.
   * @returns ends the subscription.
   * @throws TypeError when this is no Topic Filter.
   */
  subscribe(filter: string, listener: (message: Message) => unknown): () => void
  /**
   * Calls a listener for each client that connects or disconnects from now on. Clients cost nothing more while there is none.
   * @returns removes the listener.
   */
  watchClients(listener: ClientListener): () => void
}

/** Unique: a second broker in a system would not have the clients of the first. */
export const Broker = kind<Broker>()('Broker', { unique: true })
