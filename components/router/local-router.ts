import { Change } from '../../src/collections/change.ts'
import {
  MAXIMUM_RUN_DELIVERIES,
  type PublishResult,
  type Router,
  type RunDeliveries,
  type SteppedPublish,
  type Subscriber,
} from '../../src/kinds/router.ts'
import { isRefusedDelivery, workOfDelivery } from '../../src/mqtt/delivery-result.ts'
import { FilterSubscriptions } from '../../src/mqtt/filter-subscriptions.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import { type Route, type Target, targetOf } from '../../src/mqtt/route.ts'
import { RouteCache } from '../../src/mqtt/route-cache.ts'
import { RouteCompilation } from '../../src/mqtt/route-compilation.ts'
import {
  MAXIMUM_LOOKED,
  SharedSubscription,
  type SharedSubscriptionPolicy,
} from '../../src/mqtt/shared-subscription.ts'
import { type Subscription, sharedFilter } from '../../src/mqtt/subscription.ts'
import { TopicTrie } from '../../src/mqtt/topic-trie.ts'
import { deliveryTo, LocalSteppedPublish } from './local-stepped-publish.ts'

/** What one delivery at QoS 1 or 2 is taken to be, before it is known, in units of work. */
const ACKNOWLEDGED_UNITS = 10
/** What one is that a subscriber takes with others, as a run. */
const RUN_ACKNOWLEDGED_UNITS = 2

/** Routes messages among the subscribers of this process. */
export class LocalRouter implements Router {
  #policy: SharedSubscriptionPolicy
  readonly #filters = new TopicTrie<FilterSubscriptions>()
  /** By their filters in full, `$share/...`. */
  readonly #shared = new Map<string, SharedSubscription>()
  /** The Shared Subscriptions that a subscriber is a member of. */
  readonly #memberships = new Map<Subscriber, Set<SharedSubscription>>()
  readonly #routes = new RouteCache()
  #subscriptions = 0
  #sharedSubscriptions = 0
  /** Filled for every message. */
  readonly #result = { subscribers: 0, refused: 0, work: 0, isTooMuch: false }

  constructor(policy: SharedSubscriptionPolicy = 'round-robin') {
    this.#policy = policy
  }

  /** Prepares another policy, for all Shared Subscriptions at once. */
  adjust(policy: SharedSubscriptionPolicy): Change {
    return new Change([() => this.#adopt(policy)])
  }

  /** For a successor. Changes nothing. */
  handOver(): RouterState {
    return {
      ...{ policy: this.#policy, filters: this.#filters, shared: this.#shared, memberships: this.#memberships },
      ...{ subscriptions: this.#subscriptions, sharedSubscriptions: this.#sharedSubscriptions },
    }
  }

  /** Continues with the subscriptions of a predecessor, in the classes of this generation of the code. What it holds stays as it is. */
  takeOver({ policy, filters, shared, memberships, subscriptions, sharedSubscriptions }: RouterState): void {
    const own = this.#policy
    const successors = new Map<SharedSubscription, SharedSubscription>()
    const successorOf = (former: SharedSubscription): SharedSubscription => {
      const successor = successors.get(former)
      if (successor === undefined) throw new Error('a Shared Subscription that was not handed over is referred to')
      return successor
    }
    for (const [filter, former] of shared) {
      const successor = SharedSubscription.from(former)
      successors.set(former, successor)
      this.#shared.set(filter, successor)
    }
    for (const [filter, former] of filters.entries()) {
      this.#filters.set(filter, FilterSubscriptions.from(former, successorOf))
    }
    for (const [subscriber, groups] of memberships) {
      this.#memberships.set(subscriber, new Set(Array.from(groups, successorOf)))
    }
    this.#subscriptions = subscriptions
    this.#sharedSubscriptions = sharedSubscriptions
    this.#policy = policy
    this.#adopt(own)
  }

  get subscriptions(): number {
    return this.#subscriptions
  }

  /** Those of them to Shared Subscriptions. */
  get sharedSubscriptions(): number {
    return this.#sharedSubscriptions
  }

  publish(message: Message, publisher?: Subscriber, limit = Number.POSITIVE_INFINITY): PublishResult {
    let work = 0
    let route = this.#routes.find(message)
    if (route === undefined) {
      const compilation = this.#compile(message)
      work = compilation.step(limit)
      route = compilation.route
      if (route === undefined) return this.#answer(0, 0, work, true)
      this.#routes.remember(message, route)
    }
    const each = message.qos === 0 ? 1 : ACKNOWLEDGED_UNITS
    if (route.targets.length * each + route.shared.length * (each + MAXIMUM_LOOKED) > limit) {
      return this.#answer(0, 0, work, true)
    }
    return this.#deliver(message, route, publisher, work)
  }

  publishHere(message: Message): PublishResult {
    // Not `this.publish`: a router that extends this one may pass messages to other processes there.
    return LocalRouter.prototype.publish.call(this, message)
  }

  publishRun(
    run: PublishRun,
    publisher?: Subscriber,
    limit = Number.POSITIVE_INFINITY,
    delivered: RunListener = ignore,
  ): RunDeliveries {
    const { message } = run
    let work = 0
    let route = this.#routes.find(message)
    if (route === undefined) {
      const compilation = this.#compile(message)
      work = compilation.step(limit)
      route = compilation.route
      if (route !== undefined) this.#routes.remember(message, route)
    }
    const each = message.qos === 0 ? 1 : ACKNOWLEDGED_UNITS
    const eachUnits = (route?.targets.length ?? 0) * each + (route?.shared.length ?? 0) * (each + MAXIMUM_LOOKED)
    if (route === undefined || eachUnits > limit) return { isTaken: false, whole: 0, single: 0, refused: 0, work }
    // Any of them may want each message by itself.
    run.limit(Math.floor(MAXIMUM_RUN_DELIVERIES / eachUnits))
    return this.#deliverRun(run, route, publisher, work, delivered)
  }

  publishInSteps(message: Message, publisher?: Subscriber): SteppedPublish {
    const { changes } = this.#routes
    const known = this.#routes.find(message)
    const compilation = known === undefined ? this.#compile(message) : undefined
    return new LocalSteppedPublish(message, publisher, known, compilation, (route) => {
      if (this.#routes.changes === changes) this.#routes.remember(message, route)
    })
  }

  redeliver(message: Message, shared: string, gone: Subscriber, now = false): PublishResult {
    const group = this.#shared.get(shared)
    if (group === undefined) return this.#answer(0, 0, 1, false)
    const result = now ? group.deliverNow(message, gone) : group.deliver(message, gone)
    // All members were looked at in vain.
    if (result === 0) return this.#answer(0, 0, group.size, false)
    return this.#answer(1, isRefusedDelivery(result) ? 1 : 0, workOfDelivery(result), false)
  }

  subscribe(subscriber: Subscriber, subscription: Subscription): boolean {
    const { filter } = subscription
    const shared = sharedFilter(filter)
    const existed =
      shared === undefined
        ? this.#subscribe(filter, subscriber, subscription)
        : this.#join(this.#sharedSubscription(filter, shared.filter), subscriber, subscription)
    if (existed) return true
    this.#subscriptions += 1
    if (shared !== undefined) this.#sharedSubscriptions += 1
    return false
  }

  unsubscribe(subscriber: Subscriber, filter: string): boolean {
    const shared = sharedFilter(filter)
    const existed =
      shared === undefined ? this.#unsubscribe(filter, subscriber) : this.#leave(filter, shared.filter, subscriber)
    if (!existed) return false
    this.#subscriptions -= 1
    if (shared !== undefined) this.#sharedSubscriptions -= 1
    return true
  }

  connectionChanged(subscriber: Subscriber): number {
    const groups = this.#memberships.get(subscriber)
    if (groups === undefined) return 0
    for (const group of groups) group.connectionChanged(subscriber)
    return groups.size
  }

  replaceSubscribers(successorOf: (subscriber: Subscriber) => Subscriber): () => void {
    const predecessors = new Map<Subscriber, Subscriber>()
    this.#replaceSubscribers((subscriber) => {
      const successor = successorOf(subscriber)
      predecessors.set(successor, subscriber)
      return successor
    })
    return () => this.#replaceSubscribers((subscriber) => predecessors.get(subscriber) ?? subscriber)
  }

  #replaceSubscribers(successorOf: (subscriber: Subscriber) => Subscriber): void {
    for (const subscriptions of this.#filters.values()) subscriptions.replaceSubscribers(successorOf)
    for (const shared of this.#shared.values()) shared.replaceSubscribers(successorOf)
    const memberships = [...this.#memberships]
    this.#memberships.clear()
    for (const [subscriber, groups] of memberships) this.#memberships.set(successorOf(subscriber), groups)
    // Routes of several filters have targets of their own.
    this.#routes.clear()
  }

  #adopt(policy: SharedSubscriptionPolicy): () => void {
    const before = this.#policy
    this.#policy = policy
    const back = policy === before ? [] : Array.from(this.#shared.values(), (shared) => shared.adopt(policy))
    return () => {
      this.#policy = before
      for (const each of back) each()
    }
  }

  #answer(subscribers: number, refused: number, work: number, isTooMuch: boolean): PublishResult {
    const result = this.#result
    result.subscribers = subscribers
    result.refused = refused
    result.work = work
    result.isTooMuch = isTooMuch
    return result
  }

  /** @param before the work that finding the route was. */
  #deliver(message: Message, route: Route, publisher: Subscriber | undefined, before: number): PublishResult {
    const { targets, shared } = route
    let work = before
    let reached = 0
    let refused = 0
    for (let index = 0; index < targets.length; index += 1) {
      const target = targets[index]!
      const applies = deliveryTo(publisher, target)
      if (applies === undefined) continue
      const result = target.subscriber.deliver(message, applies)
      work += workOfDelivery(result)
      reached += 1
      if (isRefusedDelivery(result)) refused += 1
    }
    for (let index = 0; index < shared.length; index += 1) {
      const result = shared[index]!.deliver(message)
      work += workOfDelivery(result)
      if (result !== 0) reached += 1
      if (isRefusedDelivery(result)) refused += 1
    }
    return this.#answer(reached, refused, work + reached * (message.size >> 10), false)
  }

  #deliverRun(
    run: PublishRun,
    route: Route,
    publisher: Subscriber | undefined,
    before: number,
    delivered: RunListener,
  ): RunDeliveries {
    const { targets, shared } = route
    const others: Target[] = []
    let whole = 0
    for (let index = 0; index < targets.length; index += 1) {
      const target = targets[index]!
      const applies = deliveryTo(publisher, target)
      if (applies === undefined) continue
      if (target.subscriber.deliverRun?.(run, applies) === true) whole += 1
      else others.push(target)
    }
    // At QoS 1 a message of a run is a fifth of one by itself.
    const each = 1 + (run.size >> 10) + (run.message.qos === 0 ? 0 : run.count * RUN_ACKNOWLEDGED_UNITS)
    let work = before + whole * each
    let single = 0
    let refused = 0
    if (others.length === 0 && shared.length === 0) return { isTaken: true, whole, single, refused, work }
    const rest: Route = { targets: others, shared }
    run.each((message) => {
      const result = this.#deliver(message, rest, publisher, 0)
      single += result.subscribers
      refused += result.refused
      work += result.work
      delivered(whole + result.subscribers, result.refused)
    })
    return { isTaken: true, whole, single, refused, work }
  }

  #compile(message: Message): RouteCompilation {
    // Plain values never have a route that is remembered: the check costs nothing for a message that has one.
    if (message.bytes === undefined) refusePlainValues()
    return new RouteCompilation(this.#filters.match(message.topic))
  }

  #subscribe(filter: string, subscriber: Subscriber, subscription: Subscription): boolean {
    const subscriptions = this.#subscriptionsTo(filter)
    const existed = subscriptions.get(subscriber) !== undefined
    subscriptions.set(subscriber, targetOf(subscriber, subscription, subscriptions))
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

  #join(shared: SharedSubscription, subscriber: Subscriber, subscription: Subscription): boolean {
    if (shared.set(subscriber, subscription)) return true
    const groups = this.#memberships.get(subscriber)
    if (groups === undefined) this.#memberships.set(subscriber, new Set([shared]))
    else groups.add(shared)
    return false
  }

  #leave(fullFilter: string, filter: string, subscriber: Subscriber): boolean {
    const shared = this.#shared.get(fullFilter)
    if (shared === undefined || !shared.delete(subscriber)) return false
    const groups = this.#memberships.get(subscriber)
    groups?.delete(shared)
    if (groups?.size === 0) this.#memberships.delete(subscriber)
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

/** What goes to the successor at a reset. */
export interface RouterState {
  readonly policy: SharedSubscriptionPolicy
  readonly filters: Pick<TopicTrie<FilterSubscriptions>, 'entries'>
  /** By their filters in full. */
  readonly shared: ReadonlyMap<string, SharedSubscription>
  readonly memberships: ReadonlyMap<Subscriber, ReadonlySet<SharedSubscription>>
  readonly subscriptions: number
  readonly sharedSubscriptions: number
}

/** Is told how many subscribers a message of a run has reached, and how many of them refused it. */
type RunListener = (reached: number, refused: number) => void

const ignore = (): void => undefined

/** A component in JavaScript may take a router for a broker. */
const refusePlainValues = (): never => {
  throw new TypeError(
    'A router takes a Message, as Message.of makes it, not plain values. A broker publishes { topic, payload }.',
  )
}
