import type { QoS } from 'mqtt-packet'
import type { Delivery } from './subscriber.ts'
import type { Subscription } from './subscription.ts'

/** The delivery of messages through a single subscription. @param shared its filter, if it is a Shared Subscription. */
export const deliveryOf = (subscription: Subscription, shared?: string): Delivery => {
  const { qos, retainAsPublished, identifier } = subscription
  if (identifier === 0 && shared === undefined) return plainDelivery(qos, retainAsPublished)
  return { qos, retainAsPublished, subscriptionIdentifiers: identifier === 0 ? NONE : [identifier], shared }
}

/** There are only a few different deliveries without Subscription Identifiers. Nearly all subscribers share these objects. */
export const plainDelivery = (qos: QoS, retainAsPublished: boolean): Delivery =>
  (retainAsPublished ? PLAIN_RETAINING : PLAIN)[qos]!

const NONE: readonly never[] = []

const allQoS = (retainAsPublished: boolean): readonly Delivery[] =>
  ([0, 1, 2] as const).map((qos) => ({ qos, retainAsPublished, subscriptionIdentifiers: NONE, shared: undefined }))
const PLAIN = allQoS(false)
const PLAIN_RETAINING = allQoS(true)
