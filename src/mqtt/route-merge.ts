import type { QoS } from 'mqtt-packet'
import { plainDelivery } from './delivery.ts'
import type { Route, SubscriptionSource, Target } from './route.ts'
import type { SharedSubscription } from './shared-subscription.ts'
import type { Delivery, Subscriber } from './subscriber.ts'

/** What a route is made of: the subscriptions to one of the filters that match. */
export interface RouteSource {
  /** How many targets its route has. */
  readonly size: number
  readonly route: Route
}

const MergePhase = { Indexing: 0, Largest: 1, Others: 2 } as const
type MergePhase = (typeof MergePhase)[keyof typeof MergePhase]

/**
 * Makes the route of a topic from those of the filters that match it: linear in what they hold. The work can be divided: each
 * step does as much of it as it may.
 *
 * The largest route is walked in order, and only the others are indexed. Often there is one large route and the route of a
 * monitor that subscribes to everything.
 */
export class RouteMerge {
  readonly #sources: readonly RouteSource[]
  readonly #largest: RouteSource
  #phase: MergePhase = MergePhase.Indexing
  /** Index of the source that is being indexed, or that is next. */
  #source = 0
  /** The route that is walked. It is kept here, since its source makes another route when a subscription changes. */
  #route: Route | undefined
  /** Index of the next target in it. */
  #target = 0
  readonly #others = new Map<Subscriber, Target[]>()
  #rest: Iterator<Target[]> | undefined
  readonly #targets: Target[] = []
  readonly #shared: SharedSubscription[] = []
  #merged: Route | undefined

  /** @param sources two at least. */
  constructor(sources: readonly RouteSource[]) {
    this.#sources = sources
    this.#largest = sources.reduce((a, b) => (b.size > a.size ? b : a))
  }

  /** The route, once all of it is merged. */
  get merged(): Route | undefined {
    return this.#merged
  }

  /**
   * Does the next part of the work.
   * @param units of work to do: one for each target and each source. A target with many subscriptions is not divided.
   * @returns the units done.
   */
  step(units: number): number {
    let work = 0
    while (this.#merged === undefined && work < units) {
      if (this.#phase === MergePhase.Indexing) work += this.#index(units - work)
      else if (this.#phase === MergePhase.Largest) work += this.#takeLargest(units - work)
      else work += this.#takeOther()
    }
    return work
  }

  #index(units: number): number {
    const source = this.#sources[this.#source]
    if (source === undefined) {
      this.#phase = MergePhase.Largest
      return 1
    }
    this.#route ??= source.route
    const { targets, shared } = this.#route
    const start = this.#target
    const end = source === this.#largest ? start : Math.min(targets.length, start + units)
    for (let index = start; index < end; index += 1) this.#add(targets[index]!)
    this.#target = end
    if (end < targets.length && source !== this.#largest) return end - start
    for (const group of shared) this.#shared.push(group)
    this.#source += 1
    this.#route = undefined
    this.#target = 0
    return 1 + end - start
  }

  #add(target: Target): void {
    const earlier = this.#others.get(target.subscriber)
    if (earlier === undefined) this.#others.set(target.subscriber, [target])
    else earlier.push(target)
  }

  #takeLargest(units: number): number {
    this.#route ??= this.#largest.route
    const { targets } = this.#route
    let work = 0
    for (; this.#target < targets.length && work < units; this.#target += 1) {
      const target = targets[this.#target]!
      const more = this.#others.get(target.subscriber)
      this.#targets.push(more === undefined ? target : mergeTargets([target, ...more]))
      if (more !== undefined) this.#others.delete(target.subscriber)
      work += 1 + (more?.length ?? 0)
    }
    if (this.#target >= targets.length) this.#phase = MergePhase.Others
    return work
  }

  #takeOther(): number {
    this.#rest ??= this.#others.values()
    const next = this.#rest.next()
    if (next.done === true) {
      this.#merged = { targets: this.#targets, shared: this.#shared }
      return 1
    }
    this.#targets.push(mergeTargets(next.value))
    return next.value.length
  }
}

/** All targets of one subscriber as one. */
const mergeTargets = (all: readonly Target[]): Target => {
  const [first] = all
  if (all.length === 1) return first!
  const { subscriber } = first!
  const delivery = mergeDeliveries(all.map((target) => target.delivery))
  const subscriptions = new AnySource(all)
  if (all.every((target) => target.own === target.delivery)) {
    return { subscriber, delivery, own: delivery, subscriptions }
  }
  const own = all.flatMap((target) => target.own ?? [])
  return { subscriber, delivery, own: own.length === 0 ? undefined : mergeDeliveries(own), subscriptions }
}

/** One copy for several subscriptions. */
const mergeDeliveries = (all: readonly Delivery[]): Delivery => {
  // The maximum QoS of all of them [MQTT-3.3.4-2].
  const qos = all.reduce<QoS>((highest, delivery) => (delivery.qos > highest ? delivery.qos : highest), 0)
  const retainAsPublished = all.some((delivery) => delivery.retainAsPublished)
  // Every identifier, including one that several subscriptions have [MQTT-3.3.4-4].
  const subscriptionIdentifiers = all.flatMap((delivery) => delivery.subscriptionIdentifiers)
  if (subscriptionIdentifiers.length === 0) return plainDelivery(qos, retainAsPublished)
  return { qos, retainAsPublished, subscriptionIdentifiers, shared: undefined }
}

/** The subscriptions of one subscriber to several filters. */
class AnySource implements SubscriptionSource {
  readonly #targets: readonly Target[]

  constructor(targets: readonly Target[]) {
    this.#targets = targets
  }

  get(subscriber: Subscriber): object | undefined {
    return this.#targets.find(({ subscriptions }) => subscriptions.get(subscriber) !== undefined)
  }
}
