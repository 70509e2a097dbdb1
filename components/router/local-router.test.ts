import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Delivery } from '../../src/kinds/router.ts'
import { SHARED_SUBSCRIPTION_POLICIES } from '../../src/mqtt/shared-subscription.ts'
import type { Subscription } from '../../src/mqtt/subscription.ts'
import { routerContract } from '../../test/contract/router.ts'
import { topicFilter, topicName } from '../../test/helpers/arbitrary-topics.ts'
import { runs } from '../../test/helpers/full-run.ts'
import { Mailbox, messageOn, runOf, subscriptionTo } from '../../test/helpers/mailbox.ts'
import { naiveMatch } from '../../test/helpers/naive-match.ts'
import { router } from './index.ts'
import { LocalRouter } from './local-router.ts'

describe.each(SHARED_SUBSCRIPTION_POLICIES)('with the policy %s', (policy) => {
  routerContract('router', () => new LocalRouter(policy))
})

describe('config', () => {
  it('takes the members of a Shared Subscription in turn unless it says otherwise', () => {
    expect(router.config.parse({})).toEqual({ sharedSubscriptionPolicy: 'round-robin' })
    expect(router.config.safeParse({ sharedSubscriptionPolicy: 'random' }).success).toBe(false)
  })
})

describe('very many filters that match one topic', () => {
  const topic = Array.from({ length: 12 }, () => 'a').join('/')
  /** Every filter of 12 levels that are `a` or `+`: 4,096, in a tree of twice as many nodes. */
  const subscribeAll = (router: LocalRouter, subscriberOf: (n: number) => Mailbox): void => {
    for (let n = 0; n < 2 ** 12; n++) {
      const filter = Array.from({ length: 12 }, (_, level) => ((n >> level) & 1 ? '+' : 'a')).join('/')
      router.subscribe(subscriberOf(n), subscriptionTo(filter, { identifier: n + 1 }))
    }
  }

  it('are the work of their nodes and of their merging, for one subscriber', () => {
    const router = new LocalRouter()
    const client = new Mailbox('client')
    subscribeAll(router, () => client)
    const { work } = router.publish(messageOn(topic))
    // The filter without wildcards is not in the tree; what is merged is that much again.
    expect(work).toBeGreaterThan(2 * 2 ** 12)
    expect(work).toBeLessThan(6 * 2 ** 12)
    expect(client.deliveries[0]?.subscriptionIdentifiers).toHaveLength(2 ** 12)
    // The route is known now.
    expect(router.publish(messageOn(topic)).work).toBe(1)
  })

  it('are no more work at a time than is asked for', () => {
    const router = new LocalRouter()
    const clients = [0, 1, 2, 3].map((n) => new Mailbox(`client ${n}`))
    subscribeAll(router, (n) => clients[n % 4]!)
    const refused = router.publish(messageOn(topic), undefined, 100)
    expect(refused).toMatchObject({ subscribers: 0, isTooMuch: true })
    expect(refused.work).toBeLessThanOrEqual(100)
    const publish = router.publishInSteps(messageOn(topic))
    let steps = 0
    for (; !publish.isDone; steps++) expect(publish.step(1_500)).toBeLessThanOrEqual(1_500 + 2 ** 10)
    expect(steps).toBeGreaterThan(7)
    for (const { deliveries } of clients) {
      expect(deliveries.map(({ subscriptionIdentifiers }) => subscriptionIdentifiers.length)).toEqual([2 ** 10])
    }
    // The route was made over several turns, and is cached nevertheless.
    expect(router.publish(messageOn(topic)).work).toBe(4)
  })

  it('are no route to remember when a subscription changes while it is made', () => {
    const router = new LocalRouter()
    subscribeAll(router, (n) => new Mailbox(`${n}`))
    const publish = router.publishInSteps(messageOn(topic))
    publish.step(100)
    const late = new Mailbox('late')
    router.subscribe(late, subscriptionTo('#'))
    while (!publish.isDone) publish.step(100)
    expect(router.publish(messageOn(topic)).subscribers).toBe(2 ** 12 + 1)
    expect(late.topics).toContain(topic)
  })

  it('are no reason to take a run at once: each of its messages is published', () => {
    const router = new LocalRouter()
    const client = new Mailbox('client')
    subscribeAll(router, () => client)
    const run = runOf(topic, ['1', '2'])
    expect(router.publishRun(run, undefined, 100)).toMatchObject({ isTaken: false, whole: 0, single: 0, work: 100 })
    expect(client.messages).toEqual([])
  })
})

/** Publishes a message, in steps of so many units if not 0. @returns how many subscribers got it. */
const publishing = (router: LocalRouter, topic: string, publisher: Mailbox, stepUnits: number): number => {
  if (stepUnits === 0) return router.publish(messageOn(topic), publisher).subscribers
  const publish = router.publishInSteps(messageOn(topic), publisher)
  while (!publish.isDone) publish.step(stepUnits)
  return publish.subscribers
}

/** What the subscriptions of one subscriber say together, as the specification puts it. */
const expectedDelivery = (subscriptions: Subscription[], own: boolean): Delivery | undefined => {
  const matching = subscriptions.filter(({ noLocal }) => !(own && noLocal))
  if (matching.length === 0) return undefined
  return {
    qos: Math.max(...matching.map(({ qos }) => qos)) as Delivery['qos'],
    retainAsPublished: matching.some(({ retainAsPublished }) => retainAsPublished),
    subscriptionIdentifiers: matching.flatMap(({ identifier }) => (identifier === 0 ? [] : identifier)).sort(),
    shared: undefined,
  }
}

describe('against a list of all subscriptions', () => {
  const member = fc.nat({ max: 2 })
  const step = fc.oneof(
    fc.record({
      type: fc.constant('subscribe' as const),
      member,
      filter: topicFilter,
      share: fc.constantFrom(undefined, undefined, undefined, 'g', 'h'),
      qos: fc.constantFrom(0, 1, 2),
      noLocal: fc.boolean(),
      retainAsPublished: fc.boolean(),
      identifier: fc.nat({ max: 2 }),
    }),
    fc.record({ type: fc.constant('unsubscribe' as const), which: fc.nat() }),
    // Few topics, so that they come again after a change: what is remembered of them must follow it.
    fc.record({
      type: fc.constant('publish' as const),
      topic: fc.oneof(topicName, fc.constant('a')),
      publisher: member,
    }),
  )

  it('delivers what the subscriptions say, to whom they say, through any history', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat({ max: 5 }), (steps, stepUnits) => {
        const local = new LocalRouter()
        const members = [new Mailbox('0'), new Mailbox('1'), new Mailbox('2')]
        let held: { member: Mailbox; full: Subscription; filter: string; share: string | undefined }[] = []
        const publish = (topic: string, publisher: Mailbox) => {
          for (const { deliveries } of members) deliveries.length = 0
          const reached = publishing(local, topic, publisher, stepUnits)
          const matching = held.filter(({ filter }) => naiveMatch(filter, topic))
          for (const member of members) {
            const ordinary = matching.filter((one) => one.member === member && one.share === undefined)
            const expected = expectedDelivery(
              ordinary.map(({ full }) => full),
              member === publisher,
            )
            const got = member.deliveries
              .filter(({ shared }) => shared === undefined)
              .map((one) => ({ ...one, subscriptionIdentifiers: [...one.subscriptionIdentifiers].sort() }))
            expect(got).toEqual(expected === undefined ? [] : [expected])
          }
          const groups = new Set(matching.flatMap(({ share, full }) => (share === undefined ? [] : full.filter)))
          const shared = members.flatMap(({ deliveries }) => deliveries.flatMap((one) => one.shared ?? []))
          expect(shared.sort()).toEqual([...groups].sort())
          expect(reached).toBe(members.reduce((sum, { deliveries }) => sum + deliveries.length, 0))
        }
        const topics = new Set<string>()
        for (const step of steps) {
          if (step.type === 'subscribe') {
            const { member, filter, share, ...options } = step
            const full = share === undefined ? filter : `$share/${share}/${filter}`
            const subscription = subscriptionTo(full, { ...options, qos: options.qos as 0 | 1 | 2 })
            const isSame = (one: (typeof held)[number]) => one.member === members[member] && one.full.filter === full
            expect(local.subscribe(members[member]!, subscription)).toBe(held.some(isSame))
            held = held.filter((one) => !isSame(one))
            held.push({ member: members[member]!, full: subscription, filter, share })
          } else if (step.type === 'unsubscribe') {
            const [ended] = held.splice(step.which % Math.max(held.length, 1), 1)
            if (ended !== undefined) expect(local.unsubscribe(ended.member, ended.full.filter)).toBe(true)
          } else {
            topics.add(step.topic)
          }
          for (const topic of topics) publish(topic, members[step.type === 'publish' ? step.publisher : 0]!)
          expect(local.subscriptions).toBe(held.length)
        }
      }),
      { numRuns: runs(300) },
    )
  })
})
