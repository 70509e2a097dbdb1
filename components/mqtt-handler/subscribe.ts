import type { ISubscribePacket } from 'mqtt-packet'
import type { Refusal } from '../../src/kinds/client-session.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { type Subscription, sharedFilter } from '../../src/mqtt/subscription.ts'
import type { Client } from './client.ts'
import type { FilterPacketRecord } from './client-record.ts'
import { type FilterRequests, FilterWork } from './filter-work.ts'
import { takesSubscriptionAnswer } from './packet-size.ts'
import { refusedSubscription } from './refusal-log.ts'
import { STORE_IS_STUCK } from './store-is-stuck.ts'
import type { Terms } from './terms.ts'
import { toldReason } from './told-reason.ts'

type Request = ISubscribePacket['subscriptions'][number]

/**
 * Subscribes the client to each filter and answers with one Reason Code for each, in their order [MQTT-3.9.3-1], like single
 * SUBSCRIBE packets [MQTT-3.8.4-5]. Retained messages follow. If SUBACK would be larger than the client's Maximum Packet Size,
 * the client is disconnected and nothing is subscribed. A packet of many filters is handled over turns.
 */
export const handleSubscribe = (client: Client, packet: ISubscribePacket): void => {
  const { subscriptions, properties, messageId } = packet
  if (!takesSubscriptionAnswer(client, subscriptions.length)) {
    client.disconnect(ReasonCode.PacketTooLarge, 'SUBACK is larger than the Maximum Packet Size of the client')
    return
  }
  const identifier = properties?.subscriptionIdentifier ?? 0
  const unavailable = unavailableFeature(client.terms, subscriptions, identifier as number)
  if (unavailable !== undefined && client.isVersion5) {
    client.disconnect(unavailable, 'client subscribed in a way that is not available here')
    return
  }
  const requests = new SubscribeRequests(client, messageId!, subscriptions, identifier as number)
  const work = new FilterWork(client, requests)
  work.begin()
}

/** The filters of a SUBSCRIBE packet. */
export class SubscribeRequests implements FilterRequests<Request> {
  readonly requests: readonly Request[]
  readonly #client: Client
  readonly #messageId: number
  /** Subscription Identifier; 0 for none. */
  readonly #identifier: number
  /** Reason Strings of refusals. */
  readonly #reasons: Set<string>

  /** @param reasons those of the filters that are handled already. */
  constructor(
    client: Client,
    messageId: number,
    requests: readonly Request[],
    identifier: number,
    reasons: readonly string[] = [],
  ) {
    this.#client = client
    this.#messageId = messageId
    this.requests = requests
    this.#identifier = identifier
    this.#reasons = new Set(reasons)
  }

  toRecord(): FilterPacketRecord {
    const { requests } = this
    const reasons = [...this.#reasons]
    return { type: 'subscribe', messageId: this.#messageId, requests, identifier: this.#identifier, reasons }
  }

  handle(request: Request): ReasonCode {
    return subscribe(this.#client, request, this.#identifier, this.#reasons)
  }

  unitsOf({ topic }: Request): number {
    return this.#client.handler.broker.subscribeUnits(topic, this.#client.identity)
  }

  answer(granted: ReasonCode[], batch: number | undefined): void {
    const client = this.#client
    const explained = client.explained([...this.#reasons].join('; '))
    const packet = { cmd: 'suback', messageId: this.#messageId, granted, ...explained } as const
    client.answer(packet, batch !== undefined, undefined, batch)
    client.session!.outbox.pump()
  }
}

/**
 * The feature in this SUBSCRIBE packet that CONNACK said is not available, which is a Protocol Error in MQTT 5.0 (section
 * 3.2.2.3).
 */
const unavailableFeature = (terms: Terms, requests: readonly Request[], identifier: number): ReasonCode | undefined => {
  if (identifier !== 0 && !terms.subscriptionIdentifiersAvailable) return ReasonCode.SubscriptionIdentifiersNotSupported
  const shared = !terms.sharedSubscriptionAvailable && requests.some(({ topic }) => sharedFilter(topic) !== undefined)
  if (shared) return ReasonCode.SharedSubscriptionsNotSupported
  const wildcard = !terms.wildcardSubscriptionAvailable && requests.some(({ topic }) => hasWildcard(topic))
  return wildcard ? ReasonCode.WildcardSubscriptionsNotSupported : undefined
}

/** @param reasons collects the Reason Strings of refusals. */
const subscribe = (client: Client, request: Request, identifier: number, reasons: Set<string>): ReasonCode => {
  const qos = Math.min(request.qos, client.terms.maximumQoS) as Request['qos'] // [MQTT-3.8.4-7]
  const problem = problemOf(client, request, {
    filter: request.topic,
    qos,
    noLocal: request.nl ?? false,
    retainAsPublished: request.rap ?? false,
    identifier,
  })
  if (problem === undefined) return qos
  const reasonCode = toldReason(problem.reasonCode, client.handler.config)
  // The broker has logged once that the store is stuck.
  if (problem.why !== STORE_IS_STUCK) refusedSubscription(client, reasonCode, problem.why)
  if (reasonCode !== ReasonCode.UnspecifiedError) reasons.add(problem.why)
  // MQTT 3 has one code for a failure, which has the value of Unspecified error.
  return client.isVersion5 ? reasonCode : ReasonCode.UnspecifiedError
}

/** Adds a subscription. @returns why it is refused; undefined if it is made. */
const problemOf = (client: Client, request: Request, subscription: Subscription): Refusal | undefined => {
  const unavailable = unavailableFeature(client.terms, [request], 0)
  if (unavailable !== undefined) return { reasonCode: unavailable, why: 'not available here' }
  if (client.isToldStuck && client.session!.persistent) {
    client.handler.counters.unstoredSubscriptions += 1
    return { reasonCode: ReasonCode.QuotaExceeded, why: STORE_IS_STUCK }
  }
  return client.session!.subscribe(subscription, request.rh ?? 0)
}

const hasWildcard = (filter: string): boolean => filter.includes('+') || filter.includes('#')
