import type { Message } from '../mqtt/message.ts'
import type { PublishRun } from '../mqtt/publish-run.ts'
import type { Subscriber } from '../mqtt/subscriber.ts'
import type { Subscription } from '../mqtt/subscription.ts'
import { kind } from '../system/kind.ts'

/** A subscriber, and the result of a delivery to it. They are part of this contract, but declared in src/mqtt, whose rules use them. */
export { type DeliveryResult, refusedDelivery } from '../mqtt/delivery-result.ts'
export type { Delivery, Subscriber } from '../mqtt/subscriber.ts'

/**
 * The result of a publish. It belongs to the router, which reuses it: it is valid until the next call. `work` is in units of
 * `Connection.chargeWork`: nodes visited, targets merged, members considered, deliveries and their bytes.
 */
export interface PublishResult {
  /** Subscribers that got it, as far as is known at once. */
  readonly subscribers: number
  /** Subscribers among them whose full queues refused it (`refusedDelivery`). */
  readonly refused: number
  readonly work: number
  /** It is more work than the limit allows: no subscriber got it, and `publishInSteps` is to follow. */
  readonly isTooMuch: boolean
}

/** The result of the publish of a run. `work` is as in `PublishResult`. */
export interface RunDeliveries {
  /** False if no subscriber got it: each of its messages has to be published. */
  readonly isTaken: boolean
  /** Subscribers that took it as a whole. */
  readonly whole: number
  /** Deliveries of single messages, to all other subscribers. */
  readonly single: number
  /** Deliveries among these that were refused. A subscriber that takes the run as a whole refuses nothing of it. */
  readonly refused: number
  readonly work: number
}

/** The delivery of one message in steps. */
export interface SteppedPublish {
  /** Whether all subscribers are known. Further steps deliver. */
  readonly isRouted: boolean
  /** Whether all subscribers have it. */
  readonly isDone: boolean
  /** Subscribers that have it. */
  readonly subscribers: number
  /** Subscribers among them that refused it so far. */
  readonly refused: number
  /**
   * Does a step, which either finds subscribers or delivers to them. A subscriber whose subscription has ended gets nothing.
   * @param units the work to do, approximately; at least one delivery.
   * @returns the work that was done, in units.
   */
  step(units: number): number
}

/** The most deliveries of a run of several messages: about 10 ms of work, so that the event loop is not blocked longer. */
export const MAXIMUM_RUN_DELIVERIES = 50_000

/**
 * Decides which subscribers receive a message. Only the router knows all subscribers; some may be in other processes.
 *
 * A subscriber gets one copy of a message for all its ordinary subscriptions together, and one for each Shared
 * Subscription that chose it.
 */
export interface Router {
  /** Adds a subscription; one with the same filter replaces the earlier one. @returns whether there was an earlier one. */
  subscribe(subscriber: Subscriber, subscription: Subscription): boolean
  /** Ends a subscription. @param filter as it was given. @returns false when there was none. */
  unsubscribe(subscriber: Subscriber, filter: string): boolean
  /** Reports that `connected` of a subscriber has changed. @returns the work, in units. */
  connectionChanged(subscriber: Subscriber): number
  /**
   * Passes the message to every subscriber of this process before it returns; or to none, if that is more work than the limit
   * allows.
   * @param message lent, with a valid Topic Name: `Message.of({ topic, payload })` makes one of plain values. `Broker.publish` takes plain
   * values, checks them, and keeps retained messages.
   * @param publisher the subscriber that gets no copy through subscriptions with No Local.
   * @param limit units of work; without one there is no limit.
   * @throws TypeError when this is no Message.
   */
  publish(message: Message, publisher?: Subscriber, limit?: number): PublishResult
  /**
   * Passes on a message that tells of this process, such as its numbers below `$SYS`: to subscribers of this process alone, without a
   * record anywhere. No answer to a client depends on it.
   * @param message lent. There is no limit of the work.
   */
  publishHere(message: Message): PublishResult
  /**
   * The same as `publish` for all messages of a run, which each subscriber gets in their order. Optional: without it, each message is
   * published separately.
   * @param run lent. It is made shorter if it would be more deliveries than `MAXIMUM_RUN_DELIVERIES`: the rest is no part of it.
   * @param delivered called for each message in turn, if some subscriber takes them one by one, when all such subscribers have
   * it. @param reached how many subscribers get it, those of the whole run included. @param refused how many of them refused it.
   */
  publishRun?(
    run: PublishRun,
    publisher?: Subscriber,
    limit?: number,
    delivered?: (reached: number, refused: number) => void,
  ): RunDeliveries
  /** Begins to pass on a message in steps. @param message kept, not lent. */
  publishInSteps(message: Message, publisher?: Subscriber): SteppedPublish
  /**
   * Passes a message to another member of a Shared Subscription, because the chosen member has gone.
   * @param shared the filter of the Shared Subscription, `$share/...`.
   * @param now to a member that can send it at once (`Subscriber.takes`), or to none.
   * @returns no subscriber when there is no such member.
   */
  redeliver(message: Message, shared: string, gone: Subscriber, now?: boolean): PublishResult
  /**
   * The same subscriptions have other subscribers from now on: a reset has replaced the code of the broker. Their order, and the turns
   * of Shared Subscriptions, stay. No message is on its way in steps. Optional: without it the broker is restarted.
   * @param successorOf the subscriber itself for one that stays.
   * @returns goes back.
   */
  replaceSubscribers?(successorOf: (subscriber: Subscriber) => Subscriber): () => void
  /** Subscriptions held for subscribers of this process. */
  readonly subscriptions: number
}

/** Unique: the subscribers of two routers would not get each other's messages. */
export const Router = kind<Router>()('Router', { unique: true })
