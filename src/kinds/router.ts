import type { QoS } from 'mqtt-packet'
import type { Message } from '../mqtt/message.ts'
import type { Subscription } from '../mqtt/subscription.ts'
import { kind } from '../system/kind.ts'

/** Who receives published messages: a session. Compared by identity. */
export interface Subscriber {
  /** The Client Identifier. */
  readonly id: string
  /** Whether its client is connected: a Shared Subscription prefers members that are. */
  readonly connected: boolean
  /** Messages at QoS 1 and 2 that it was sent, or has waiting, and has not acknowledged: how busy it is. */
  readonly unacknowledged: number
  /**
   * Takes a message, once for each publish however many of its subscriptions match. Must not throw.
   * @param message lent for the call.
   * @param delivery how: belongs to the router, and must not be changed.
   */
  deliver(message: Message, delivery: Delivery): void
}

/** How a subscriber gets a message: what its matching subscriptions say together. */
export interface Delivery {
  /** The highest QoS granted to any of them [MQTT-3.3.4-2]; the message goes out at this or at its own, whichever is less. */
  readonly qos: QoS
  /** RETAIN goes out as it came in; otherwise as 0 [MQTT-3.3.1-12] [MQTT-3.3.1-13]. */
  readonly retainAsPublished: boolean
  /** Those of all of them [MQTT-3.3.4-4]. */
  readonly subscriptionIdentifiers: readonly number[]
  /** The filter, `$share/...`, of the Shared Subscription through which it came; undefined for any other. */
  readonly shared: string | undefined
}

/**
 * Decides who receives a message. Subscribers may live in other processes: nobody but the router knows who they are.
 *
 * A subscriber gets one copy of a message for all its ordinary subscriptions together, and one for each Shared
 * Subscription that chose it.
 */
export interface Router {
  /** Adds a subscription; one with the same filter replaces the earlier one. @returns whether there was an earlier one. */
  subscribe(subscriber: Subscriber, subscription: Subscription): boolean
  /** Ends a subscription. @param filter as it was given. @returns false when there was none. */
  unsubscribe(subscriber: Subscriber, filter: string): boolean
  /**
   * Passes the message to every subscriber of this process before it returns.
   * @param message lent, with a valid Topic Name.
   * @param publisher does not get it through subscriptions with No Local.
   * @returns how many subscribers got it, as far as is known at once.
   */
  publish(message: Message, publisher?: Subscriber): number
  /**
   * Passes a message on to another member of a Shared Subscription, since the one that had it is gone.
   * @param shared the filter of the Shared Subscription, `$share/...`.
   * @returns false when there is no other member.
   */
  redeliver(message: Message, shared: string, gone: Subscriber): boolean
  /** Subscriptions held for subscribers of this process. */
  readonly subscriptions: number
}

/** Unique: two routers would split the broker into halves that do not hear each other. */
export const Router = kind<Router>()('Router', { unique: true })
