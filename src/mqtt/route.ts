import { deliveryOf } from './delivery.ts'
import type { SharedSubscription } from './shared-subscription.ts'
import type { Delivery, Subscriber } from './subscriber.ts'
import type { Subscription } from './subscription.ts'

/**
 * The receivers of the messages of a topic and their deliveries. A route is compiled once and used for every message on the
 * topic until a subscription changes. It is immutable, so it can be walked while subscriptions change.
 */
export interface Route {
  /** Each subscriber is there once. */
  readonly targets: readonly Target[]
  /** Each of these chooses one of its members. */
  readonly shared: readonly SharedSubscription[]
}

/** A subscriber and the combination of all its matching subscriptions. */
export interface Target {
  /** Replaced at a reset, see `Router.replaceSubscribers`. */
  subscriber: Subscriber
  /** The delivery of a message. */
  readonly delivery: Delivery
  /**
   * The delivery of a message that it published itself, by its subscriptions without No Local. Undefined if it has no such
   * subscription and does not get the message [MQTT-3.8.3-3].
   */
  readonly own: Delivery | undefined
  /**
   * The holders of its subscriptions. A route that is walked over several turns asks whether the subscriber still has one of
   * them.
   */
  readonly subscriptions: SubscriptionSource
}

/** Holds the subscriptions to one filter, or to several. */
export interface SubscriptionSource {
  /** Anything but undefined when the subscriber has a subscription here. */
  get(subscriber: Subscriber): object | undefined
}

/** The target of a single subscription. */
export const targetOf = (subscriber: Subscriber, subscription: Subscription, source: SubscriptionSource): Target => {
  const delivery = deliveryOf(subscription)
  return { subscriber, delivery, own: subscription.noLocal ? undefined : delivery, subscriptions: source }
}
