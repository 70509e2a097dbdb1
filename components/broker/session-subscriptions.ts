import type { Identity } from '../../src/kinds/authorizer.ts'
import type { Refusal } from '../../src/kinds/client-session.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { type Subscription, sharedFilter } from '../../src/mqtt/subscription.ts'
import type { Authorization } from './authorization.ts'
import type { BrokerConfig } from './config.ts'
import type { BrokerCounters } from './counters.ts'
import type { Gauges } from './gauges.ts'
import { countLevels, subscriptionCost, wildcardLevels } from './subscription-cost.ts'
import type { UserAccounts, UserNumbers } from './user-quotas.ts'

/** The parts of the broker that the subscriptions of a session use. */
export interface SubscriptionsContext {
  readonly config: BrokerConfig
  readonly gauges: Gauges
  readonly counters: BrokerCounters
  readonly authorization: Authorization
  readonly quotas: UserAccounts
}

/** The numbers of the user that subscriptions count in. */
type SubscriptionQuota = Pick<UserNumbers, 'user' | 'subscriptionBytes'>

/** The subscriptions of one session, within the bounds of the config. */
export class SessionSubscriptions {
  readonly #broker: SubscriptionsContext
  readonly #quota: SubscriptionQuota
  /** By Topic Filter; undefined until the first one, since many clients only publish. */
  #byFilter: Map<string, Subscription> | undefined
  #shared: Set<string> | undefined
  #wildcardLevels = 0

  /** @param handed of the predecessor, at a reset: they are counted already. */
  constructor(broker: SubscriptionsContext, quota: SubscriptionQuota, handed?: SubscriptionsState) {
    this.#broker = broker
    this.#quota = quota
    if (handed === undefined) return
    this.#byFilter = handed.byFilter
    this.#shared = handed.shared
    this.#wildcardLevels = handed.wildcardLevels
  }

  /** For a successor. Changes nothing. */
  handOver(): SubscriptionsState {
    return { byFilter: this.#byFilter, shared: this.#shared, wildcardLevels: this.#wildcardLevels }
  }

  get byFilter(): ReadonlyMap<string, Subscription> {
    return this.#byFilter ?? NO_SUBSCRIPTIONS
  }

  /** Filters of Shared Subscriptions; undefined when there never were any. */
  get shared(): ReadonlySet<string> | undefined {
    return this.#shared
  }

  /** Levels of all Topic Filters with wildcards together, which determine their cost for publishers. */
  get wildcardLevels(): number {
    return this.#wildcardLevels
  }

  /** Why a subscription to this filter is refused; undefined if it is allowed. */
  problemOf(subscription: Subscription, identity: Identity): Refusal | undefined {
    const { filter } = subscription
    const { config } = this.#broker
    const { maximumFilterLength, maximumTopicLevels } = config
    if (filter.length > maximumFilterLength) return over(`more than ${maximumFilterLength} characters`)
    if (countLevels(filter) > maximumTopicLevels) return over(`more than ${maximumTopicLevels} levels`)
    const problem = this.byFilter.has(filter) ? undefined : this.#roomProblem(filter)
    if (problem !== undefined) return problem
    const { authorization, counters } = this.#broker
    if (authorization.maySubscribe(identity, sharedFilter(filter)?.filter ?? filter, subscription.qos)) return undefined
    counters.deniedSubscribes += 1
    return { reasonCode: ReasonCode.NotAuthorized, why: 'not authorized' }
  }

  /** Adds or replaces a subscription. */
  keep(subscription: Subscription): void {
    const { filter } = subscription
    if (!this.byFilter.has(filter)) {
      this.#count(subscriptionCost(filter))
      this.#wildcardLevels += wildcardLevels(filter)
      if (sharedFilter(filter) !== undefined) {
        this.#shared ??= new Set()
        this.#shared.add(filter)
      }
    }
    this.#byFilter ??= new Map()
    this.#byFilter.set(filter, subscription)
  }

  /** @returns false when there was none. */
  delete(filter: string): boolean {
    if (this.#byFilter?.delete(filter) !== true) return false
    this.#count(-subscriptionCost(filter))
    this.#wildcardLevels -= wildcardLevels(filter)
    this.#shared?.delete(filter)
    return true
  }

  /** The session has ended: its subscriptions leave the router over the next turns, and count until `forget`. */
  end(): void {
    this.#wildcardLevels = 0
    this.#shared = undefined
  }

  /** All subscriptions have left the router. */
  forget(): void {
    this.#byFilter = undefined
  }

  /** Counts what a subscription costs. */
  #count(bytes: number): void {
    this.#broker.gauges.subscriptionBytes += bytes
    this.#quota.subscriptionBytes += bytes
  }

  #roomProblem(filter: string): Refusal | undefined {
    const { config, gauges, counters } = this.#broker
    const { maximumSubscriptions, maximumTotalSubscriptionBytes, maximumWildcardLevels } = config
    if (this.byFilter.size >= maximumSubscriptions) return over(`more than ${maximumSubscriptions} subscriptions`)
    if (gauges.subscriptionBytes + subscriptionCost(filter) > maximumTotalSubscriptionBytes) {
      return over('no room for the subscriptions of all clients')
    }
    const ofUser = this.#broker.quotas.limitsOf(this.#quota).subscriptionBytes
    if (this.#quota.subscriptionBytes + subscriptionCost(filter) > ofUser) {
      counters.refusedSubscriptionsOfUser += 1
      return over('no room for the subscriptions of this user (maximumSubscriptionBytesPerUser)')
    }
    if (this.#wildcardLevels + wildcardLevels(filter) <= maximumWildcardLevels) return undefined
    counters.refusedWildcardLevels += 1
    return over(`more than ${maximumWildcardLevels} levels in all filters with wildcards`)
  }
}

const over = (why: string): Refusal => ({ reasonCode: ReasonCode.QuotaExceeded, why })

const NO_SUBSCRIPTIONS: ReadonlyMap<string, Subscription> = new Map()

export interface SubscriptionsState {
  readonly byFilter: Map<string, Subscription> | undefined
  readonly shared: Set<string> | undefined
  readonly wildcardLevels: number
}
