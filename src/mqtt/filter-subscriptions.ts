import { SmallMap } from '../collections/small-map.ts'
import type { Route, SubscriptionSource, Target } from './route.ts'
import type { RouteSource } from './route-merge.ts'
import type { SharedSubscription } from './shared-subscription.ts'
import type { Subscriber } from './subscriber.ts'

/** All subscriptions to one Topic Filter: those of single subscribers, and those that are shared. */
export class FilterSubscriptions extends SmallMap<Subscriber, Target> implements RouteSource, SubscriptionSource {
  #shared: Set<SharedSubscription> | undefined = undefined
  #route: Route | undefined = undefined

  /**
   * Those of a predecessor, at a reset: what it holds stays as it is.
   * @param successorOf the successor of a Shared Subscription.
   */
  static from(
    before: Pick<FilterSubscriptions, 'values' | 'shared'>,
    successorOf: (shared: SharedSubscription) => SharedSubscription,
  ): FilterSubscriptions {
    const subscriptions = new FilterSubscriptions()
    for (const target of before.values()) subscriptions.set(target.subscriber, { ...target, subscriptions })
    for (const shared of before.shared) subscriptions.addShared(successorOf(shared))
    return subscriptions
  }

  get shared(): Iterable<SharedSubscription> {
    return this.#shared ?? NONE
  }

  get isEmpty(): boolean {
    return this.size === 0 && this.#shared === undefined
  }

  override set(subscriber: Subscriber, target: Target): void {
    this.#route = undefined
    super.set(subscriber, target)
  }

  override delete(subscriber: Subscriber): boolean {
    this.#route = undefined
    return super.delete(subscriber)
  }

  /** The same subscriptions have other subscribers from now on. Routes with these targets stay right. */
  replaceSubscribers(successorOf: (subscriber: Subscriber) => Subscriber): void {
    this.replaceKeys(successorOf)
    for (const target of this.values()) target.subscriber = successorOf(target.subscriber)
  }

  addShared(shared: SharedSubscription): void {
    this.#route = undefined
    this.#shared ??= new Set()
    this.#shared.add(shared)
  }

  removeShared(shared: SharedSubscription): void {
    this.#route = undefined
    this.#shared?.delete(shared)
    if (this.#shared?.size === 0) this.#shared = undefined
  }

  /**
   * The route of messages that match this filter. It is kept, except for a single subscriber, where keeping it costs more than
   * making it.
   */
  get route(): Route {
    if (this.#route !== undefined) return this.#route
    const route: Route = { targets: [...this.values()], shared: this.#shared === undefined ? NONE : [...this.#shared] }
    if (this.size > 1 || this.#shared !== undefined) this.#route = route
    return route
  }
}

const NONE: readonly never[] = []
