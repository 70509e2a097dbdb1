import { beforeEach, describe, expect, it } from 'vitest'
import type { Router } from '../../src/kinds/router.ts'
import { Mailbox, messageOn, subscriptionTo } from '../helpers/mailbox.ts'

/** What every Router must do about Shared Subscriptions. @param create makes a router without subscriptions. */
export const sharedSubscriptionContract = (create: () => Router): void => {
  describe('a Shared Subscription', () => {
    let router: Router
    let members: Mailbox[]
    /** How many messages each member has. */
    const counts = () => members.map(({ messages }) => messages.length)
    const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0)
    const publish = (times: number) => {
      for (let index = 0; index < times; index += 1) router.publish(messageOn(`a/${index}`))
    }
    const shared = '$share/group/a/+'
    beforeEach(() => {
      router = create()
      members = ['one', 'two', 'three'].map((id) => new Mailbox(id))
      for (const member of members) router.subscribe(member, subscriptionTo(shared))
    })

    it('gives each message to one of its members', () => {
      publish(30)
      expect(sum(counts())).toBe(30)
    })

    it('is another for every ShareName and every filter, and each gets the message', () => {
      const [one, two, three] = members as [Mailbox, Mailbox, Mailbox]
      router.unsubscribe(two, shared)
      router.unsubscribe(three, shared)
      router.subscribe(two, subscriptionTo('$share/other/a/+'))
      router.subscribe(three, subscriptionTo('$share/group/a/#'))
      expect(router.publish(messageOn('a/b'))).toBe(3)
      expect([one, two, three].map(({ deliveries }) => deliveries[0]!.shared)).toEqual([
        '$share/group/a/+',
        '$share/other/a/+',
        '$share/group/a/#',
      ])
    })

    it('gives a member its message beside the one of its other subscriptions, and says through which each came', () => {
      const [one] = members as [Mailbox]
      for (const member of members.slice(1)) router.unsubscribe(member, shared)
      router.subscribe(one, subscriptionTo('a/b', { identifier: 7 }))
      expect(router.publish(messageOn('a/b'))).toBe(2)
      expect(one.deliveries.map(({ shared, subscriptionIdentifiers }) => [shared, subscriptionIdentifiers])).toEqual([
        [undefined, [7]],
        [shared, []],
      ])
      router.unsubscribe(one, 'a/b')
      expect(router.publish(messageOn('a/b'))).toBe(1)
    })

    it('respects the QoS granted to the member, and carries its own Subscription Identifier [MQTT-4.8.2-3]', () => {
      for (const [index, member] of members.entries()) {
        router.subscribe(member, subscriptionTo(shared, { qos: index as 0 | 1 | 2, identifier: index }))
      }
      publish(60)
      for (const [index, { deliveries }] of members.entries()) {
        for (const { qos, subscriptionIdentifiers } of deliveries) {
          expect(qos).toBe(index)
          expect(subscriptionIdentifiers).toEqual(index === 0 ? [] : [index])
        }
      }
    })

    it('gives a member its own messages: it has no No Local [MQTT-3.8.3-4]', () => {
      const [one] = members as [Mailbox]
      for (const member of members.slice(1)) router.unsubscribe(member, shared)
      expect(router.publish(messageOn('a/b'), one)).toBe(1)
      expect(one.messages).toHaveLength(1)
    })

    it('prefers members whose clients are connected, as they come and go', () => {
      const [one, two, three] = members as [Mailbox, Mailbox, Mailbox]
      one.connected = false
      publish(20)
      expect(one.messages).toHaveLength(0)
      one.connected = true
      two.connected = false
      three.connected = false
      const before = counts()
      publish(20)
      expect(one.messages).toHaveLength(20)
      expect(counts().slice(1)).toEqual(before.slice(1))
    })

    it('keeps a message for a session whose client is away when none is connected [MQTT-4.8.2-4]', () => {
      for (const member of members) member.connected = false
      expect(router.publish(messageOn('a/b'))).toBe(1)
      expect(sum(counts())).toBe(1)
    })

    it('goes on with the others when members leave, and ends with the last', () => {
      publish(2)
      expect(router.unsubscribe(members[0]!, shared)).toBe(true)
      const before = sum(counts())
      publish(10)
      expect(sum(counts())).toBe(before + 10)
      for (const member of members.slice(1)) expect(router.unsubscribe(member, shared)).toBe(true)
      expect(router.publish(messageOn('a/b'))).toBe(0)
      expect(router.subscriptions).toBe(0)
      router.subscribe(members[0]!, subscriptionTo(shared))
      expect(router.publish(messageOn('a/b'))).toBe(1)
    })

    it('passes a message on from a member that is gone to another, connected ones first', () => {
      const [one, two, three] = members as [Mailbox, Mailbox, Mailbox]
      three.connected = false
      for (let index = 0; index < 10; index += 1) expect(router.redeliver(messageOn('a/b'), shared, one)).toBe(true)
      expect(counts()).toEqual([0, 10, 0])
      two.connected = false
      expect(router.redeliver(messageOn('a/b'), shared, one)).toBe(true)
      expect(counts()[0]).toBe(0)
      expect(sum(counts())).toBe(11)
      expect(two.deliveries[0]).toMatchObject({ shared })
    })

    it('says so when there is no other member to pass a message on to', () => {
      const [one, two, three] = members as [Mailbox, Mailbox, Mailbox]
      router.unsubscribe(two, shared)
      router.unsubscribe(three, shared)
      expect(router.redeliver(messageOn('a/b'), shared, one)).toBe(false)
      router.unsubscribe(one, shared)
      expect(router.redeliver(messageOn('a/b'), shared, one)).toBe(false)
      expect(sum(counts())).toBe(0)
    })
  })
}
