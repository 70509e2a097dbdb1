import type { QoS } from 'mqtt-packet'
import type { ListenerOptions } from '../../src/kinds/listener-options.ts'
import type { HandlerConfig } from './config.ts'

/**
 * The capabilities of the broker that CONNACK announces (section 3.2.2.3). A client is held to them as long as it is connected,
 * even if the config changes. Clients with the same terms share one object.
 */
export interface Terms {
  /** Receive Maximum. */
  readonly receiveMaximum: number
  readonly maximumQoS: QoS
  readonly retainAvailable: boolean
  readonly topicAliasMaximum: number
  readonly wildcardSubscriptionAvailable: boolean
  readonly sharedSubscriptionAvailable: boolean
  readonly subscriptionIdentifiersAvailable: boolean
}

/** The terms of clients that connect now. */
export class CurrentTerms {
  #terms: Terms
  /** Those of listeners with values of their own, by these values. */
  readonly #ofListeners = new Map<string, Terms>()

  constructor(config: HandlerConfig) {
    this.#terms = termsOf(config)
  }

  /** @returns the same object as long as the values of the config and of the listener are the same. */
  get(config: HandlerConfig, listener: ListenerTerms): Terms {
    if (!isSame(this.#terms, config)) {
      this.#terms = termsOf(config)
      this.#ofListeners.clear()
    }
    const { maximumQoS, topicAliasMaximum } = listener
    if (maximumQoS === undefined && topicAliasMaximum === undefined) return this.#terms
    return this.#ofListener(maximumQoS ?? this.#terms.maximumQoS, topicAliasMaximum ?? this.#terms.topicAliasMaximum)
  }

  #ofListener(maximumQoS: QoS, topicAliasMaximum: number): Terms {
    const key = `${maximumQoS} ${topicAliasMaximum}`
    let terms = this.#ofListeners.get(key)
    if (terms === undefined) {
      terms = Object.freeze({ ...this.#terms, maximumQoS, topicAliasMaximum })
      this.#ofListeners.set(key, terms)
    }
    return terms
  }
}

/** The values of a listener that replace those of the handler. */
type ListenerTerms = Pick<ListenerOptions, 'maximumQoS' | 'topicAliasMaximum'>

const termsOf = (config: HandlerConfig): Terms =>
  Object.freeze({
    receiveMaximum: config.receiveMaximum,
    maximumQoS: config.maximumQoS,
    retainAvailable: config.retainAvailable,
    topicAliasMaximum: config.topicAliasMaximum,
    wildcardSubscriptionAvailable: config.wildcardSubscriptionAvailable,
    sharedSubscriptionAvailable: config.sharedSubscriptionAvailable,
    subscriptionIdentifiersAvailable: config.subscriptionIdentifiersAvailable,
  })

const isSame = (terms: Terms, config: HandlerConfig): boolean =>
  terms.receiveMaximum === config.receiveMaximum &&
  terms.maximumQoS === config.maximumQoS &&
  terms.retainAvailable === config.retainAvailable &&
  terms.topicAliasMaximum === config.topicAliasMaximum &&
  terms.wildcardSubscriptionAvailable === config.wildcardSubscriptionAvailable &&
  terms.sharedSubscriptionAvailable === config.sharedSubscriptionAvailable &&
  terms.subscriptionIdentifiersAvailable === config.subscriptionIdentifiersAvailable
