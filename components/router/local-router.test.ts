import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Delivery } from '../../src/kinds/router.ts'
import { SHARED_SUBSCRIPTION_POLICIES } from '../../src/mqtt/shared-subscription.ts'
import type { Subscription } from '../../src/mqtt/subscription.ts'
import { routerContract } from '../../test/contract/router.ts'
import { topicFilter, topicName } from '../../test/helpers/arbitrary-topics.ts'
import { Mailbox, messageOn, subscriptionTo } from '../../test/helpers/mailbox.ts'
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

describe('very many filters of one subscriber that match one topic', () => {
  it('take linear time', () => {
    const router = new LocalRouter()
    const client = new Mailbox('client')
    // Every filter of 16 levels that are `a` or `+`: 65,536.
    for (let n = 0; n < 2 ** 16; n++) {
      const filter = Array.from({ length: 16 }, (_, level) => ((n >> level) & 1 ? '+' : 'a')).join('/')
      router.subscribe(client, subscriptionTo(filter, { identifier: n + 1 }))
    }
    const startMs = performance.now()
    router.publish(messageOn('a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a'))
    // 0.3 s here; what is quadratic takes over ten times as long.
    expect(performance.now() - startMs).toBeLessThan(2_000)
    expect(client.deliveries[0]?.subscriptionIdentifiers).toHaveLength(2 ** 16)
  })
})

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
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const local = new LocalRouter()
        const members = [new Mailbox('0'), new Mailbox('1'), new Mailbox('2')]
        let held: { member: Mailbox; full: Subscription; filter: string; share: string | undefined }[] = []
        const publish = (topic: string, publisher: Mailbox) => {
          for (const { deliveries } of members) deliveries.length = 0
          const reached = local.publish(messageOn(topic), publisher)
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
      { numRuns: 300 },
    )
  })
})
