import type { Message } from '../mqtt/message.ts'
import type { PublishRun } from '../mqtt/publish-run.ts'
import type { Subscriber } from '../mqtt/subscriber.ts'
import type { Subscription } from '../mqtt/subscription.ts'
import { kind } from '../system/kind.ts'

/** What receives messages, and how: part of this contract, declared where the rules of src/mqtt can use it. */
export type { Delivery, Subscriber } from '../mqtt/subscriber.ts'

/**
 * The result of a publish. It belongs to the router, which fills it again: it is good until the next call.
 * `work` is in units of `Connection.chargeWork`: nodes visited, targets merged, members looked at, deliveries and their bytes.
 */
export interface PublishResult {
  /** Subscribers that got it, as far as is known at once. */
  readonly subscribers: number
  readonly work: number
  /** It is more work than the limit allows: no subscriber got it, and `publishInSteps` is to follow. */
  readonly isTooMuch: boolean
}

/** The result of the publish of a run. `work` is as in `PublishResult`. */
export interface RunDeliveries {
  /** False when no subscriber got anything of it: each of its messages is to be published. */
  readonly isTaken: boolean
  /** Subscribers that took it as a whole. */
  readonly whole: number
  /** Deliveries of single messages, to the others. */
  readonly single: number
  readonly work: number
}

/** A message on its way to its subscribers, which takes as many steps as its work asks for. */
export interface SteppedPublish {
  /** Whether all subscribers are known: from now on steps deliver. */
  readonly isRouted: boolean
  /** Whether all subscribers have it. */
  readonly isDone: boolean
  /** Subscribers that have it. */
  readonly subscribers: number
  /**
   * Goes on. A step either finds subscribers or delivers to them. One that has no subscription any more gets nothing.
   * @param units how much work to do, about: one delivery at least.
   * @returns how much it was.
   */
  step(units: number): number
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
  /** `connected` of a subscriber has changed. @returns the work that it was. */
  connectionChanged(subscriber: Subscriber): number
  /**
   * Passes the message to every subscriber of this process before it returns; or to none, if that is more work than the limit
   * allows.
   * @param message lent, with a valid Topic Name: `Message.of({ topic, payload })` makes one of plain values. `Broker.publish` takes plain
   * values, checks them, and keeps retained messages.
   * @param publisher does not get it through subscriptions with No Local.
   * @param limit units of work; without one there is no limit.
   * @throws TypeError when this is no Message.
   */
  publish(message: Message, publisher?: Subscriber, limit?: number): PublishResult
  /**
   * The same for all messages of a run, which each subscriber gets in their order. Left out by a router that has no quicker
   * way: each message is published.
   * @param run lent. It is made shorter if it would be more deliveries than `MAXIMUM_RUN_DELIVERIES`: the rest is no part of it.
   * @param delivered called for each message in turn, if some subscriber takes them one by one, when all such subscribers have
   * it. @param reached how many subscribers get it, those of the whole run included.
   */
  publishRun?(
    run: PublishRun,
    publisher?: Subscriber,
    limit?: number,
    delivered?: (reached: number) => void,
  ): RunDeliveries
  /** Begins to pass on a message in steps. @param message kept, not lent. */
  publishInSteps(message: Message, publisher?: Subscriber): SteppedPublish
  /**
   * Passes a message on to another member of a Shared Subscription, since the one that had it is gone.
   * @param shared the filter of the Shared Subscription, `$share/...`.
   * @param now to a member that can send it at once (`Subscriber.takes`), or to none.
   * @returns no subscriber when there is no such member.
   */
  redeliver(message: Message, shared: string, gone: Subscriber, now?: boolean): PublishResult
  /** Subscriptions held for subscribers of this process. */
  readonly subscriptions: number
}

/** Unique: two routers would split the broker into halves that do not hear each other. */
export const Router = kind<Router>()('Router', { unique: true })
