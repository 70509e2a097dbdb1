import { beforeEach, describe, expect, it } from 'vitest'
import type { Delivery, Router, RunDeliveries, Subscriber } from '../../src/kinds/router.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { Mailbox, messageOn, RunMailbox, runOf, subscriptionTo } from '../helpers/mailbox.ts'
import { ownMessagesContract } from './router-own-messages.ts'
import { refusedPublishContract } from './router-refusals.ts'
import { routerWorkContract } from './router-work.ts'
import { sharedSubscriptionContract } from './shared-subscriptions.ts'

/** What every Router must do. @param create makes a router without subscriptions. */
export const routerContract = (name: string, create: () => Router): void => {
  describe(`${name} as a Router`, () => {
    matching(create)
    ownMessagesContract(create)
    merging(create)
    changes(create)
    sharedSubscriptionContract(create)
    runs(create)
    refusedPublishContract(create)
    routerWorkContract(create)
  })
}

const matching = (create: () => Router): void => {
  describe('matching', () => {
    let router: Router
    let mailbox: Mailbox
    const publish = (...topics: string[]) => {
      for (const topic of topics) router.publish(messageOn(topic))
    }
    beforeEach(() => {
      router = create()
      mailbox = new Mailbox()
    })

    it('passes a message only to the subscribers of its topic, before publish returns', () => {
      const other = new Mailbox()
      router.subscribe(mailbox, subscriptionTo('a/b'))
      router.subscribe(other, subscriptionTo('a'))
      const message = messageOn('a/b')
      expect(router.publish(message).subscribers).toBe(1)
      expect(mailbox.messages).toEqual([message])
      expect(other.messages).toEqual([])
    })

    it('reports how many subscribers got a message: none, one, several, a Shared Subscription as one', () => {
      expect(router.publish(messageOn('a')).subscribers).toBe(0)
      for (const filter of ['a', '+', '#']) router.subscribe(mailbox, subscriptionTo(filter))
      expect(router.publish(messageOn('a')).subscribers).toBe(1)
      router.subscribe(new Mailbox(), subscriptionTo('a'))
      router.subscribe(new Mailbox(), subscriptionTo('$share/group/a'))
      router.subscribe(new Mailbox(), subscriptionTo('$share/group/a'))
      expect(router.publish(messageOn('a')).subscribers).toBe(3)
    })

    it.each([
      ['+', ['a'], ['a/b', '/a', '$a']],
      ['a/+', ['a/b', 'a/', 'a/$b'], ['a', 'a/b/c', 'b/b']],
      ['a/#', ['a', 'a/', 'a/b', 'a/b/c'], ['b', 'ab', '$a/a']],
      ['#', ['a', '/', 'a/b/c'], ['$SYS', '$SYS/a']],
      ['+/#', ['a', 'a/b', '/'], ['$SYS/a']],
      ['+/a', ['b/a', '/a'], ['$SYS/a']],
      ['$SYS/#', ['$SYS', '$SYS/a'], ['a']],
      ['__proto__/+', ['__proto__/__proto__'], ['constructor/a']],
    ])('matches %s as section 4.7 says [MQTT-4.7.2-1]', (filter, matching, others) => {
      router.subscribe(mailbox, subscriptionTo(filter))
      const shared = new Mailbox()
      router.subscribe(shared, subscriptionTo(`$share/group/${filter}`))
      publish(...others)
      expect(mailbox.topics).toEqual([])
      publish(...matching)
      expect(mailbox.topics).toEqual(matching)
      expect(shared.topics).toEqual(matching)
    })

    it('compares topics as they stand, without normalization [MQTT-4.7.3-4]', () => {
      router.subscribe(mailbox, subscriptionTo('caf\u00e9/+'))
      publish('cafe\u0301/a', 'CAF\u00c9/a', 'caf\u00e9/a')
      expect(mailbox.topics).toEqual(['caf\u00e9/a'])
    })

    it('refuses plain values with an error that says how to publish them', () => {
      for (const filter of ['a', '#']) router.subscribe(mailbox, subscriptionTo(filter))
      const plain = { topic: 'a', payload: 'text' } as unknown as Message
      const refusal = expect.objectContaining({ name: 'TypeError', message: expect.stringContaining('Message.of') })
      expect(() => router.publish(plain)).toThrow(refusal)
      expect(() => router.publishInSteps(plain).step(1)).toThrow(refusal)
      expect(mailbox.messages).toEqual([])
    })

    it('takes a topic of 65,535 slashes', () => {
      router.subscribe(mailbox, subscriptionTo('/+/#'))
      router.subscribe(mailbox, subscriptionTo('+/+/+'))
      publish('/'.repeat(65_535))
      expect(mailbox.topics).toHaveLength(1)
    })
  })
}

const merging = (create: () => Router): void => {
  describe('the subscriptions of one subscriber together', () => {
    let router: Router
    let mailbox: Mailbox
    beforeEach(() => {
      router = create()
      mailbox = new Mailbox()
    })
    /** How a message on `a/b` comes. */
    const deliveries = (publisher?: Subscriber): Delivery[] => {
      mailbox.deliveries.length = 0
      router.publish(messageOn('a/b'), publisher)
      return [...mailbox.deliveries]
    }

    it('delivers a message once, however many filters match', () => {
      for (const filter of ['a/b', 'a/+', 'a/#', '#', '+/b']) router.subscribe(mailbox, subscriptionTo(filter))
      router.publish(messageOn('a/b'))
      expect(mailbox.topics).toEqual(['a/b'])
    })

    it('delivers to each of several subscribers as its own subscriptions say', () => {
      const other = new Mailbox()
      router.subscribe(mailbox, subscriptionTo('a/b', { qos: 1 }))
      router.subscribe(other, subscriptionTo('a/b', { qos: 2, identifier: 5, retainAsPublished: true }))
      expect(deliveries()).toEqual([
        { qos: 1, retainAsPublished: false, subscriptionIdentifiers: [], shared: undefined },
      ])
      expect(other.deliveries).toEqual([
        { qos: 2, retainAsPublished: true, subscriptionIdentifiers: [5], shared: undefined },
      ])
    })

    it('respects the maximum QoS of all the matching subscriptions [MQTT-3.3.4-2]', () => {
      router.subscribe(mailbox, subscriptionTo('a/b', { qos: 1 }))
      router.subscribe(mailbox, subscriptionTo('a/+', { qos: 2 }))
      router.subscribe(mailbox, subscriptionTo('#', { qos: 0 }))
      router.subscribe(mailbox, subscriptionTo('c', { qos: 2 }))
      expect(deliveries()).toMatchObject([{ qos: 2 }])
      router.unsubscribe(mailbox, 'a/+')
      expect(deliveries()).toMatchObject([{ qos: 1 }])
    })

    it('includes the Subscription Identifiers of all matching subscriptions [MQTT-3.3.4-3] [MQTT-3.3.4-4]', () => {
      router.subscribe(mailbox, subscriptionTo('a/b', { identifier: 3 }))
      router.subscribe(mailbox, subscriptionTo('a/+', { identifier: 0 }))
      router.subscribe(mailbox, subscriptionTo('a/#', { identifier: 268_435_455 }))
      router.subscribe(mailbox, subscriptionTo('#', { identifier: 3 }))
      router.subscribe(mailbox, subscriptionTo('c', { identifier: 4 }))
      const [delivery] = deliveries()
      expect([...delivery!.subscriptionIdentifiers].sort()).toEqual([268_435_455, 3, 3])
    })

    it('keeps RETAIN if any of them has Retain As Published [MQTT-3.3.1-13]', () => {
      router.subscribe(mailbox, subscriptionTo('a/b'))
      expect(deliveries()).toMatchObject([{ retainAsPublished: false }])
      router.subscribe(mailbox, subscriptionTo('a/+', { retainAsPublished: true }))
      expect(deliveries()).toMatchObject([{ retainAsPublished: true }])
    })

    it('does not forward to the publisher through a subscription with No Local [MQTT-3.8.3-3]', () => {
      const other = new Mailbox()
      router.subscribe(mailbox, subscriptionTo('a/b', { noLocal: true }))
      router.subscribe(other, subscriptionTo('a/b'))
      expect(deliveries(mailbox)).toEqual([])
      expect(router.publish(messageOn('a/b'), mailbox).subscribers).toBe(1)
      expect(deliveries(other)).toHaveLength(1)
      expect(deliveries()).toHaveLength(1)
      expect(other.deliveries).toHaveLength(4)
    })

    it('forwards to the publisher as its subscriptions without No Local say, when it has both [MQTT-3.8.3-3]', () => {
      router.subscribe(
        mailbox,
        subscriptionTo('a/b', { noLocal: true, qos: 2, identifier: 1, retainAsPublished: true }),
      )
      router.subscribe(mailbox, subscriptionTo('a/+', { qos: 1, identifier: 2 }))
      router.subscribe(mailbox, subscriptionTo('#', { identifier: 3 }))
      const [own] = deliveries(mailbox)
      expect(own).toMatchObject({ qos: 1, retainAsPublished: false })
      expect([...own!.subscriptionIdentifiers].sort()).toEqual([2, 3])
      const [foreign] = deliveries()
      expect(foreign).toMatchObject({ qos: 2, retainAsPublished: true })
      expect([...foreign!.subscriptionIdentifiers].sort()).toEqual([1, 2, 3])
    })

    it('forwards nothing to the publisher when all of them have No Local [MQTT-3.8.3-3]', () => {
      for (const filter of ['a/b', 'a/+', '#']) router.subscribe(mailbox, subscriptionTo(filter, { noLocal: true }))
      expect(deliveries(mailbox)).toEqual([])
      expect(deliveries()).toHaveLength(1)
    })
  })
}

const changes = (create: () => Router): void => {
  describe('subscriptions that come and go', () => {
    let router: Router
    let mailbox: Mailbox
    const publish = (...topics: string[]) => {
      for (const topic of topics) router.publish(messageOn(topic))
    }
    beforeEach(() => {
      router = create()
      mailbox = new Mailbox()
    })

    it('holds one subscription for a filter given twice, and says that there was one', () => {
      for (const filter of ['a', 'a/+', '$share/group/a', '$share/group/a/+']) {
        expect(router.subscribe(mailbox, subscriptionTo(filter))).toBe(false)
        expect(router.subscribe(mailbox, subscriptionTo(filter))).toBe(true)
      }
      expect(router.subscriptions).toBe(4)
      expect(router.subscribe(new Mailbox(), subscriptionTo('a'))).toBe(false)
      expect(router.subscriptions).toBe(5)
    })

    it.each(['a/b', 'a/+', '$share/group/a/b', '$share/group/#'])(
      'replaces an existing subscription to %s with the new one [MQTT-3.8.4-3]',
      (filter) => {
        router.subscribe(mailbox, subscriptionTo(filter, { qos: 2, retainAsPublished: true, identifier: 1 }))
        publish('a/b')
        router.subscribe(mailbox, subscriptionTo(filter, { qos: 1, identifier: 2 }))
        publish('a/b')
        router.subscribe(mailbox, subscriptionTo(filter))
        publish('a/b')
        expect(mailbox.deliveries).toMatchObject([
          { qos: 2, retainAsPublished: true, subscriptionIdentifiers: [1] },
          { qos: 1, retainAsPublished: false, subscriptionIdentifiers: [2] },
          { qos: 0, retainAsPublished: false, subscriptionIdentifiers: [] },
        ])
      },
    )

    it('ends one subscription and keeps the rest', () => {
      const other = new Mailbox()
      for (const filter of ['a/b', 'a/+', 'a/#']) router.subscribe(mailbox, subscriptionTo(filter))
      router.subscribe(other, subscriptionTo('a/+'))
      expect(router.unsubscribe(mailbox, 'a/+')).toBe(true)
      expect(router.unsubscribe(mailbox, 'a/b')).toBe(true)
      publish('a/b')
      expect([mailbox.topics, other.topics]).toEqual([['a/b'], ['a/b']])
      expect(router.unsubscribe(mailbox, 'a/#')).toBe(true)
      publish('a/b')
      expect(mailbox.topics).toEqual(['a/b'])
      expect(router.subscriptions).toBe(1)
    })

    it('compares filters as they stand when it ends a subscription [MQTT-3.10.4-1]', () => {
      router.subscribe(new Mailbox(), subscriptionTo('a/+'))
      router.subscribe(new Mailbox(), subscriptionTo('$share/group/a/+'))
      router.subscribe(mailbox, subscriptionTo('a/b'))
      const others = [
        'a/+',
        'b/#',
        'a/+/c',
        'a/#',
        '#',
        'a',
        '$share/group/a/+',
        '$share/group/a/b',
        '$share/other/a/+',
      ]
      for (const filter of others) expect(router.unsubscribe(mailbox, filter)).toBe(false)
      expect(router.subscriptions).toBe(3)
    })

    it.each(['a', '+', '$share/group/a'])('bears a subscription to %s that ends while it delivers', (filter) => {
      const leaver = new Mailbox()
      leaver.deliver = () => {
        router.unsubscribe(leaver, filter)
        return 1
      }
      router.subscribe(leaver, subscriptionTo(filter))
      router.subscribe(mailbox, subscriptionTo('a'))
      publish('a', 'a')
      expect(mailbox.topics).toEqual(['a', 'a'])
      expect(router.subscriptions).toBe(1)
    })

    it('bears subscriptions that begin while it delivers, and a message published meanwhile', () => {
      const late = new Mailbox()
      const busy = new Mailbox()
      busy.deliver = ({ topic }) => {
        if (topic !== 'a') return 1
        router.subscribe(late, subscriptionTo('#'))
        router.subscribe(busy, subscriptionTo('b'))
        publish('b')
        return 1
      }
      router.subscribe(busy, subscriptionTo('a'))
      router.subscribe(mailbox, subscriptionTo('+'))
      publish('a')
      expect(mailbox.topics.sort()).toEqual(['a', 'b'])
      expect(late.topics).toContain('b')
      publish('c')
      expect(late.topics.at(-1)).toBe('c')
    })

    it('follows every change of a topic that has been published to before', () => {
      const other = new Mailbox()
      publish('a/b')
      router.subscribe(mailbox, subscriptionTo('a/b'))
      publish('a/b')
      router.subscribe(other, subscriptionTo('a/+'))
      publish('a/b')
      router.unsubscribe(mailbox, 'a/b')
      publish('a/b')
      router.unsubscribe(other, 'a/+')
      router.subscribe(mailbox, subscriptionTo('$share/group/a/#'))
      publish('a/b')
      router.unsubscribe(mailbox, '$share/group/a/#')
      publish('a/b')
      expect([mailbox.topics.length, other.topics.length]).toEqual([3, 2])
      expect(router.subscriptions).toBe(0)
    })
  })
}

const runs = (create: () => Router): void => {
  describe('a run of messages', () => {
    const PAYLOADS = ['1', '22', '333']
    const payloads = ({ messages }: Mailbox) => messages.map(({ payload }) => payload.toString())
    /** What the router makes of a run; a router without a way of its own publishes each message. */
    const publish = (router: Router, publisher?: Subscriber): RunDeliveries => {
      const run = runOf('a/b', PAYLOADS)
      if (router.publishRun !== undefined) return router.publishRun(run, publisher)
      let single = 0
      let refused = 0
      let work = 0
      run.each((message) => {
        const result = router.publish(message, publisher)
        single += result.subscribers
        refused += result.refused
        work += result.work
      })
      return { isTaken: true, whole: 0, single, refused, work }
    }

    it('reaches each subscriber completely and in order: some at once, some by each message', () => {
      const router = create()
      const single = new Mailbox()
      const whole = new RunMailbox(true)
      const refusing = new RunMailbox(false)
      router.subscribe(single, subscriptionTo('a/+'))
      router.subscribe(whole, subscriptionTo('a/b', { qos: 1 }))
      router.subscribe(whole, subscriptionTo('#'))
      router.subscribe(refusing, subscriptionTo('#'))
      const expected = router.publishRun ? { whole: 1, single: 6 } : { whole: 0, single: 9 }
      const result = publish(router)
      expect(result).toMatchObject({ isTaken: true, ...expected })
      expect(result.work).toBeGreaterThanOrEqual(result.whole + result.single)
      for (const mailbox of [single, whole, refusing]) expect(payloads(mailbox)).toEqual(PAYLOADS)
      expect([whole, refusing].map(({ offered }) => offered.length)).toEqual(router.publishRun ? [1, 1] : [0, 0])
    })

    it('reaches no subscriber if there is none, and not its publisher through No Local [MQTT-3.8.3-3]', () => {
      const router = create()
      const publisher = new RunMailbox(true)
      const nothing = { isTaken: true, whole: 0, single: 0 }
      expect(publish(router)).toMatchObject(nothing)
      router.subscribe(publisher, subscriptionTo('a/b', { noLocal: true }))
      expect([publish(router, publisher), payloads(publisher)]).toMatchObject([nothing, []])
      router.subscribe(publisher, subscriptionTo('#'))
      publish(router, publisher)
      expect(payloads(publisher)).toEqual(PAYLOADS)
    })

    it('is shortened if it would be too many deliveries, for all kinds of subscribers', () => {
      const router = create()
      if (router.publishRun === undefined) return
      const run = runOf(
        'a/b',
        Array.from({ length: 100 }, (_, n) => `${n}`),
      )
      const mailbox = new Mailbox()
      router.subscribe(mailbox, subscriptionTo('a/b'))
      for (let n = 1; n < 1000; n++) router.subscribe(new RunMailbox(true), subscriptionTo('a/b'))
      expect(router.publishRun(run)).toMatchObject({ whole: 999, single: 50 })
      expect(payloads(mailbox)).toEqual(Array.from({ length: 50 }, (_, n) => `${n}`))
      expect([run.count, run.size]).toEqual([50, 10 * 8 + 40 * 9])
    })

    it('is shared out message by message among the members of a Shared Subscription', () => {
      const router = create()
      const members = [new RunMailbox(true), new RunMailbox(true)]
      const ordinary = new RunMailbox(true)
      for (const member of members) router.subscribe(member, subscriptionTo('$share/group/a/#'))
      router.subscribe(ordinary, subscriptionTo('a/b'))
      expect(publish(router)).toMatchObject(router.publishRun ? { whole: 1, single: 3 } : { whole: 0, single: 6 })
      expect(payloads(ordinary)).toEqual(PAYLOADS)
      expect(members.flatMap(payloads).sort()).toEqual(PAYLOADS)
      expect(members.flatMap(({ offered }) => offered)).toEqual([])
    })
  })
}
