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
    const connect = (member: Mailbox, connected: boolean) => {
      member.connected = connected
      router.connectionChanged(member)
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
      expect(router.publish(messageOn('a/b')).subscribers).toBe(3)
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
      expect(router.publish(messageOn('a/b')).subscribers).toBe(2)
      expect(one.deliveries.map(({ shared, subscriptionIdentifiers }) => [shared, subscriptionIdentifiers])).toEqual([
        [undefined, [7]],
        [shared, []],
      ])
      router.unsubscribe(one, 'a/b')
      expect(router.publish(messageOn('a/b')).subscribers).toBe(1)
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
      expect(router.publish(messageOn('a/b'), one).subscribers).toBe(1)
      expect(one.messages).toHaveLength(1)
    })

    it('prefers members whose clients are connected, as they come and go', () => {
      const [one, two, three] = members as [Mailbox, Mailbox, Mailbox]
      connect(one, false)
      publish(20)
      expect(one.messages).toHaveLength(0)
      connect(one, true)
      connect(two, false)
      connect(three, false)
      const before = counts()
      publish(20)
      expect(one.messages).toHaveLength(20)
      expect(counts().slice(1)).toEqual(before.slice(1))
    })

    it('prefers members that can send it at once', () => {
      const [one, two, three] = members as [Mailbox, Mailbox, Mailbox]
      connect(three, false)
      one.ready = false
      publish(20)
      expect(counts()).toEqual([0, 20, 0])
      two.ready = false
      publish(20)
      expect(sum(counts())).toBe(40)
      expect(three.messages).toHaveLength(0)
    })

    it('bears changes of who is connected that change nothing, and of who is no member', () => {
      const other = new Mailbox()
      for (const connected of [false, true, true, false]) connect(other, connected)
      for (const connected of [false, false, true, true]) connect(members[0]!, connected)
      publish(30)
      expect(counts()).toEqual(expect.arrayContaining([expect.any(Number)]))
      expect(sum(counts())).toBe(30)
      expect(other.messages).toHaveLength(0)
    })

    it('keeps a message for a session whose client is away when none is connected [MQTT-4.8.2-4]', () => {
      for (const member of members) connect(member, false)
      expect(router.publish(messageOn('a/b')).subscribers).toBe(1)
      expect(sum(counts())).toBe(1)
    })

    it('continues with the remaining members when members leave, and ends with the last', () => {
      publish(2)
      expect(router.unsubscribe(members[0]!, shared)).toBe(true)
      const before = sum(counts())
      publish(10)
      expect(sum(counts())).toBe(before + 10)
      for (const member of members.slice(1)) expect(router.unsubscribe(member, shared)).toBe(true)
      expect(router.publish(messageOn('a/b')).subscribers).toBe(0)
      expect(router.subscriptions).toBe(0)
      router.subscribe(members[0]!, subscriptionTo(shared))
      expect(router.publish(messageOn('a/b')).subscribers).toBe(1)
    })

    it('passes a message on from a member that is gone to another, connected ones first', () => {
      const [one, two, three] = members as [Mailbox, Mailbox, Mailbox]
      connect(three, false)
      for (let index = 0; index < 10; index += 1)
        expect(router.redeliver(messageOn('a/b'), shared, one).subscribers).toBe(1)
      expect(counts()).toEqual([0, 10, 0])
      connect(two, false)
      expect(router.redeliver(messageOn('a/b'), shared, one).subscribers).toBe(1)
      expect(counts()[0]).toBe(0)
      expect(sum(counts())).toBe(11)
      expect(two.deliveries[0]).toMatchObject({ shared })
    })

    it('passes a message on at once or not at all, where it is asked for that', () => {
      const [one, two, three] = members as [Mailbox, Mailbox, Mailbox]
      connect(two, false)
      three.ready = false
      expect(router.redeliver(messageOn('a/b'), shared, one, true).subscribers).toBe(0)
      expect(sum(counts())).toBe(0)
      three.ready = true
      expect(router.redeliver(messageOn('a/b'), shared, one, true).subscribers).toBe(1)
      expect(counts()).toEqual([0, 0, 1])
    })

    it('of 10,000 members, connected or away, is little work for each message', () => {
      const crowd = Array.from({ length: 10_000 }, (_, index) => new Mailbox(`member ${index}`))
      for (const member of crowd) member.connected = false
      for (const member of crowd) router.subscribe(member, subscriptionTo('$share/crowd/b'))
      for (const connected of [false, true]) {
        for (const member of crowd) connect(member, connected)
        for (const ready of [true, false]) {
          for (const member of crowd) member.ready = ready
          // A look at each of the members would be 10,000.
          for (let times = 0; times < 20; times += 1) expect(router.publish(messageOn('b')).work).toBeLessThan(200)
        }
      }
    })

    it('reports that there is no other member to pass a message on to', () => {
      const [one, two, three] = members as [Mailbox, Mailbox, Mailbox]
      router.unsubscribe(two, shared)
      router.unsubscribe(three, shared)
      expect(router.redeliver(messageOn('a/b'), shared, one).subscribers).toBe(0)
      router.unsubscribe(one, shared)
      expect(router.redeliver(messageOn('a/b'), shared, one).subscribers).toBe(0)
      expect(sum(counts())).toBe(0)
    })
  })
}
