import { deliveryOf } from './delivery.ts'
import type { SharedSubscription } from './shared-subscription.ts'
import type { Delivery, Subscriber } from './subscriber.ts'
import type { Subscription } from './subscription.ts'

/**
 * Who gets the messages of a topic, and how: compiled once, and then good for every message on the topic until a
 * subscription changes. It is not changed itself, so that it can be walked while subscriptions come and go.
 */
export interface Route {
  /** Each subscriber is there once. */
  readonly targets: readonly Target[]
  /** Each of these chooses one of its members. */
  readonly shared: readonly SharedSubscription[]
}

/** A subscriber, with what all its matching subscriptions say together. */
export interface Target {
  readonly subscriber: Subscriber
  /** How it gets a message. */
  readonly delivery: Delivery
  /**
   * How it gets a message that it published itself: as its subscriptions without No Local say. Undefined when it has none
   * of these, and does not get the message [MQTT-3.8.3-3].
   */
  readonly own: Delivery | undefined
  /** Where its subscriptions are: a route that is walked over several turns asks whether one of them is still there. */
  readonly subscriptions: SubscriptionSource
}

/** Holds the subscriptions to one filter, or to several. */
export interface SubscriptionSource {
  /** Anything but undefined when the subscriber has a subscription here. */
  get(subscriber: Subscriber): object | undefined
}

/** What a single subscription says. */
export const targetOf = (subscriber: Subscriber, subscription: Subscription, source: SubscriptionSource): Target => {
  const delivery = deliveryOf(subscription)
  return { subscriber, delivery, own: subscription.noLocal ? undefined : delivery, subscriptions: source }
}
