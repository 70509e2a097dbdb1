import type { Message } from '../mqtt/message.ts'
import type { PublishRun } from '../mqtt/publish-run.ts'
import type { Subscriber } from '../mqtt/subscriber.ts'
import type { Subscription } from '../mqtt/subscription.ts'
import { kind } from '../system/kind.ts'

/** What receives messages, and how: part of this contract, declared where the rules of src/mqtt can use it. */
export type { Delivery, Subscriber } from '../mqtt/subscriber.ts'

/** What became of a run of messages. */
export interface RunDeliveries {
  /** Subscribers that took it as a whole. */
  readonly whole: number
  /** Deliveries of single messages, to the others. */
  readonly single: number
}

/** What one run may make at most, if it has several messages, so that nobody holds up the event loop: some 10 ms. */
export const MAXIMUM_RUN_DELIVERIES = 50_000

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
   * The same for all messages of a run, which each subscriber gets in their order. Left out by a router that has no quicker
   * way: each message is published.
   * @param run lent. It is made shorter if it would be more deliveries than `MAXIMUM_RUN_DELIVERIES`: the rest is no part of it.
   */
  publishRun?(run: PublishRun, publisher?: Subscriber): RunDeliveries
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
