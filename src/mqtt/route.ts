import type { QoS } from 'mqtt-packet'
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
}

/** What a single subscription says. */
export const targetOf = (subscriber: Subscriber, subscription: Subscription): Target => {
  const delivery = deliveryOf(subscription)
  return { subscriber, delivery, own: subscription.noLocal ? undefined : delivery }
}

/** How messages come through a single subscription. @param shared its filter, if it is a Shared Subscription. */
export const deliveryOf = (subscription: Subscription, shared?: string): Delivery => {
  const { qos, retainAsPublished, identifier } = subscription
  if (identifier === 0 && shared === undefined) return plain(qos, retainAsPublished)
  return { qos, retainAsPublished, subscriptionIdentifiers: identifier === 0 ? NONE : [identifier], shared }
}

/** The route of a topic from those of the filters that match it: linear in what they hold. */
export const mergeRoutes = (routes: readonly Route[]): Route => {
  if (routes.length === 0) return NOBODY
  if (routes.length === 1) return routes[0]!
  // The largest is gone through in order, and only the others are indexed: often a crowd, and a monitor that hears all.
  const largest = routes.reduce((a, b) => (b.targets.length > a.targets.length ? b : a))
  const others = new Map<Subscriber, Target[]>()
  const shared: SharedSubscription[] = []
  for (const route of routes) {
    for (const group of route.shared) shared.push(group)
    if (route === largest) continue
    for (const target of route.targets) {
      const earlier = others.get(target.subscriber)
      if (earlier === undefined) others.set(target.subscriber, [target])
      else earlier.push(target)
    }
  }
  const targets: Target[] = []
  for (const target of largest.targets) {
    const more = others.get(target.subscriber)
    targets.push(more === undefined ? target : mergeTargets([target, ...more]))
    if (more !== undefined) others.delete(target.subscriber)
  }
  for (const all of others.values()) targets.push(mergeTargets(all))
  return { targets, shared }
}

/** All targets of one subscriber as one. */
const mergeTargets = (all: readonly Target[]): Target => {
  const [first] = all
  if (all.length === 1) return first!
  const { subscriber } = first!
  const delivery = mergeDeliveries(all.map((target) => target.delivery))
  if (all.every((target) => target.own === target.delivery)) return { subscriber, delivery, own: delivery }
  const own = all.flatMap((target) => target.own ?? [])
  return { subscriber, delivery, own: own.length === 0 ? undefined : mergeDeliveries(own) }
}

/** One copy for several subscriptions. */
const mergeDeliveries = (all: readonly Delivery[]): Delivery => {
  // The maximum QoS of all of them [MQTT-3.3.4-2].
  const qos = all.reduce<QoS>((highest, delivery) => (delivery.qos > highest ? delivery.qos : highest), 0)
  const retainAsPublished = all.some((delivery) => delivery.retainAsPublished)
  // Every identifier, also one that several subscriptions have [MQTT-3.3.4-4].
  const subscriptionIdentifiers = all.flatMap((delivery) => delivery.subscriptionIdentifiers)
  if (subscriptionIdentifiers.length === 0) return plain(qos, retainAsPublished)
  return { qos, retainAsPublished, subscriptionIdentifiers, shared: undefined }
}

const NONE: readonly never[] = []
const NOBODY: Route = { targets: NONE, shared: NONE }

/** Deliveries without Subscription Identifiers are always the same few: nearly all subscribers share these. */
const plain = (qos: QoS, retainAsPublished: boolean): Delivery => (retainAsPublished ? PLAIN_RETAINING : PLAIN)[qos]!

const allQoS = (retainAsPublished: boolean): readonly Delivery[] =>
  ([0, 1, 2] as const).map((qos) => ({ qos, retainAsPublished, subscriptionIdentifiers: NONE, shared: undefined }))
const PLAIN = allQoS(false)
const PLAIN_RETAINING = allQoS(true)
