import {
  type Delivery,
  MAXIMUM_RUN_DELIVERIES,
  type Router,
  type RunDeliveries,
  type Subscriber,
} from '../../src/kinds/router.ts'
import { FilterSubscriptions } from '../../src/mqtt/filter-subscriptions.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import { mergeRoutes, type Route, type Target, targetOf } from '../../src/mqtt/route.ts'
import { RouteCache } from '../../src/mqtt/route-cache.ts'
import { SharedSubscription, type SharedSubscriptionPolicy } from '../../src/mqtt/shared-subscription.ts'
import { type Subscription, sharedFilter } from '../../src/mqtt/subscription.ts'
import { TopicTrie } from '../../src/mqtt/topic-trie.ts'

/** Routes messages among the subscribers of this process. */
export class LocalRouter implements Router {
  readonly #policy: SharedSubscriptionPolicy
  readonly #filters = new TopicTrie<FilterSubscriptions>()
  /** By their filters in full, `$share/...`. */
  readonly #shared = new Map<string, SharedSubscription>()
  readonly #routes = new RouteCache((topic) => this.#compile(topic))
  #subscriptions = 0

  constructor(policy: SharedSubscriptionPolicy = 'round-robin') {
    this.#policy = policy
  }

  get subscriptions(): number {
    return this.#subscriptions
  }

  publish(message: Message, publisher?: Subscriber): number {
    return deliver(message, this.#routes.routeOf(message), publisher)
  }

  publishRun(run: PublishRun, publisher?: Subscriber): RunDeliveries {
    const { targets, shared } = this.#routes.routeOf(run.message)
    // Any of them may want each message by itself.
    run.limit(Math.floor(MAXIMUM_RUN_DELIVERIES / (targets.length + shared.length)))
    const others: Target[] = []
    let whole = 0
    for (let index = 0; index < targets.length; index += 1) {
      const target = targets[index]!
      const applies = appliesTo(publisher, target)
      if (applies === undefined) continue
      if (target.subscriber.deliverRun?.(run, applies) === true) whole += 1
      else others.push(target)
    }
    let single = 0
    if (others.length === 0 && shared.length === 0) return { whole, single }
    const rest: Route = { targets: others, shared }
    run.each((message) => {
      single += deliver(message, rest, publisher)
    })
    return { whole, single }
  }

  redeliver(message: Message, shared: string, gone: Subscriber): boolean {
    return this.#shared.get(shared)?.deliver(message, gone) ?? false
  }

  subscribe(subscriber: Subscriber, subscription: Subscription): boolean {
    const { filter } = subscription
    const shared = sharedFilter(filter)
    const existed =
      shared === undefined
        ? this.#subscribe(filter, subscriber, subscription)
        : this.#sharedSubscription(filter, shared.filter).set(subscriber, subscription)
    if (!existed) this.#subscriptions += 1
    return existed
  }

  unsubscribe(subscriber: Subscriber, filter: string): boolean {
    const shared = sharedFilter(filter)
    const existed =
      shared === undefined ? this.#unsubscribe(filter, subscriber) : this.#leave(filter, shared.filter, subscriber)
    if (existed) this.#subscriptions -= 1
    return existed
  }

  #compile(topic: string): Route {
    const filters = this.#filters.match(topic)
    // Most topics match one filter, whose route is theirs.
    if (filters.length === 1) return filters[0]!.route
    return mergeRoutes(filters.map(({ route }) => route))
  }

  #subscribe(filter: string, subscriber: Subscriber, subscription: Subscription): boolean {
    const subscriptions = this.#subscriptionsTo(filter)
    const existed = subscriptions.get(subscriber) !== undefined
    subscriptions.set(subscriber, targetOf(subscriber, subscription))
    this.#routes.changed(filter)
    return existed
  }

  #unsubscribe(filter: string, subscriber: Subscriber): boolean {
    const subscriptions = this.#filters.get(filter)
    if (subscriptions === undefined || !subscriptions.delete(subscriber)) return false
    if (subscriptions.isEmpty) this.#filters.delete(filter)
    this.#routes.changed(filter)
    return true
  }

  #leave(fullFilter: string, filter: string, subscriber: Subscriber): boolean {
    const shared = this.#shared.get(fullFilter)
    if (shared === undefined || !shared.delete(subscriber)) return false
    if (shared.size > 0) return true
    this.#shared.delete(fullFilter)
    const subscriptions = this.#filters.get(filter)!
    subscriptions.removeShared(shared)
    if (subscriptions.isEmpty) this.#filters.delete(filter)
    this.#routes.changed(filter)
    return true
  }

  #subscriptionsTo(filter: string): FilterSubscriptions {
    let subscriptions = this.#filters.get(filter)
    if (subscriptions === undefined) {
      subscriptions = new FilterSubscriptions()
      this.#filters.set(filter, subscriptions)
    }
    return subscriptions
  }

  #sharedSubscription(fullFilter: string, filter: string): SharedSubscription {
    let shared = this.#shared.get(fullFilter)
    if (shared === undefined) {
      shared = new SharedSubscription(fullFilter, this.#policy)
      this.#shared.set(fullFilter, shared)
      this.#subscriptionsTo(filter).addShared(shared)
      this.#routes.changed(filter)
    }
    return shared
  }
}

/** How a subscriber gets a message: those with No Local do not count for its publisher [MQTT-3.8.3-3]. */
const appliesTo = (publisher: Subscriber | undefined, { subscriber, delivery, own }: Target): Delivery | undefined =>
  subscriber === publisher ? own : delivery

/** @returns how many subscribers got the message. */
const deliver = (message: Message, { targets, shared }: Route, publisher: Subscriber | undefined): number => {
  let reached = 0
  for (let index = 0; index < targets.length; index += 1) {
    const target = targets[index]!
    const applies = appliesTo(publisher, target)
    if (applies === undefined) continue
    target.subscriber.deliver(message, applies)
    reached += 1
  }
  for (let index = 0; index < shared.length; index += 1) {
    if (shared[index]!.deliver(message)) reached += 1
  }
  return reached
}
