import type { ISubscribePacket } from 'mqtt-packet'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { type Subscription, sharedFilter } from '../../src/mqtt/subscription.ts'
import type { Client } from './client.ts'
import type { HandlerConfig } from './config.ts'
import { FilterWork } from './filter-work.ts'
import { takesSubscriptionAnswer } from './packet-size.ts'
import { notAuthorized } from './publishing.ts'
import { countLevels, subscribeUnits, subscriptionCost, wildcardLevels } from './subscription-cost.ts'

type Request = ISubscribePacket['subscriptions'][number]

/**
 * Subscribes the client to each filter and answers with one Reason Code for each, in their order [MQTT-3.9.3-1], as if they
 * had come one after the other [MQTT-3.8.4-5]. Retained messages follow. A client that does not take so large a SUBACK is
 * disconnected, and nothing is subscribed. A packet of many filters is handled over turns.
 */
export const handleSubscribe = (client: Client, packet: ISubscribePacket): void => {
  const { subscriptions, properties, messageId } = packet
  if (!takesSubscriptionAnswer(client, subscriptions.length)) {
    client.disconnect(ReasonCode.PacketTooLarge, 'SUBACK is larger than the Maximum Packet Size of the client')
    return
  }
  const identifier = properties?.subscriptionIdentifier ?? 0
  const unavailable = unavailableFeature(client.handler.config, subscriptions, identifier as number)
  if (unavailable !== undefined && client.isVersion5) {
    client.disconnect(unavailable, 'client subscribed in a way that is not available here')
    return
  }
  const reasons = new Set<string>()
  const work = new FilterWork(client, {
    requests: subscriptions,
    handle: (request) => subscribe(client, request, identifier as number, reasons),
    unitsOf: ({ topic }) => subscribeUnits(topic),
    answer(granted, batch) {
      const explained = client.explained([...reasons].join('; '))
      client.answer(
        { cmd: 'suback', messageId: messageId!, granted, ...explained },
        batch !== undefined,
        undefined,
        batch,
      )
      client.session!.outbox.pump()
    },
  })
  work.begin()
}

/** What of this SUBSCRIBE packet the configuration does not allow, which is a Protocol Error in MQTT 5.0 (section 3.2.2.3). */
const unavailableFeature = (
  config: HandlerConfig,
  requests: readonly Request[],
  identifier: number,
): ReasonCode | undefined => {
  if (identifier !== 0 && !config.subscriptionIdentifiersAvailable)
    return ReasonCode.SubscriptionIdentifiersNotSupported
  const shared = !config.sharedSubscriptionAvailable && requests.some(({ topic }) => sharedFilter(topic) !== undefined)
  if (shared) return ReasonCode.SharedSubscriptionsNotSupported
  const wildcard = !config.wildcardSubscriptionAvailable && requests.some(({ topic }) => hasWildcard(topic))
  return wildcard ? ReasonCode.WildcardSubscriptionsNotSupported : undefined
}

/** @param reasons takes what the client is told of a refusal. */
const subscribe = (client: Client, request: Request, identifier: number, reasons: Set<string>): ReasonCode => {
  const session = client.session!
  const problem = problemOf(client, request)
  if (problem !== undefined) {
    client.refusedSubscription(problem.reasonCode, problem.why)
    if (problem.reasonCode !== ReasonCode.UnspecifiedError) reasons.add(problem.why)
    // MQTT 3 has one code for a failure, which has the value of Unspecified error.
    return client.isVersion5 ? problem.reasonCode : ReasonCode.UnspecifiedError
  }
  const qos = Math.min(request.qos, client.handler.config.maximumQoS) as Request['qos'] // [MQTT-3.8.4-7]
  const subscription: Subscription = {
    filter: request.topic,
    qos,
    noLocal: request.nl ?? false,
    retainAsPublished: request.rap ?? false,
    identifier,
  }
  const existed = session.subscribe(subscription)
  const retainHandling = request.rh ?? 0
  // [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]; a Shared Subscription gets none (section 4.8.2).
  const wantsRetained = retainHandling === 0 || (retainHandling === 1 && !existed)
  if (wantsRetained && sharedFilter(request.topic) === undefined) session.sendRetained(subscription)
  return qos
}

/** Why no subscription to this filter is made; undefined when it is. */
const problemOf = (client: Client, { topic }: Request): { reasonCode: ReasonCode; why: string } | undefined => {
  const { config, authorizer, totals } = client.handler
  const { maximumFilterLength, maximumTopicLevels, maximumSubscriptions, maximumTotalSubscriptionBytes } = config
  const over = (why: string) => ({ reasonCode: ReasonCode.QuotaExceeded, why })
  if (topic.length > maximumFilterLength) return over(`more than ${maximumFilterLength} characters`)
  if (countLevels(topic) > maximumTopicLevels) return over(`more than ${maximumTopicLevels} levels`)
  const unavailable = unavailableFeature(config, [{ topic, qos: 0 }], 0)
  if (unavailable !== undefined) return { reasonCode: unavailable, why: 'not available here' }
  const { subscriptions, wildcardLevels: levelsHeld } = client.session!
  if (!subscriptions.has(topic)) {
    if (subscriptions.size >= maximumSubscriptions) return over(`more than ${maximumSubscriptions} subscriptions`)
    const bytes = totals.subscriptionBytes + subscriptionCost(topic)
    if (bytes > maximumTotalSubscriptionBytes) return over('no room for the subscriptions of all clients')
    if (levelsHeld + wildcardLevels(topic) > config.maximumWildcardLevels) {
      totals.refusedWildcardLevels += 1
      return over(`more than ${config.maximumWildcardLevels} levels in all filters with wildcards`)
    }
  }
  const filter = sharedFilter(topic)?.filter ?? topic
  const allowed = authorizer === undefined || authorizer.maySubscribe(client.identity, filter)
  return allowed ? undefined : { reasonCode: notAuthorized(config), why: 'not authorized' }
}

const hasWildcard = (filter: string): boolean => filter.includes('+') || filter.includes('#')
