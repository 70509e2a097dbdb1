import { beforeEach, describe, expect, it } from 'vitest'
import type { Router } from '../../src/kinds/router.ts'
import { Message } from '../../src/mqtt/message.ts'
import { Mailbox, messageOn, subscriptionTo } from '../helpers/mailbox.ts'

/** What every Router must do about work: report it, keep to a limit, and divide it. @param create makes a router. */
export const routerWorkContract = (create: () => Router): void => {
  describe('work', () => {
    let router: Router
    beforeEach(() => {
      router = create()
    })
    const crowd = (size: number, filter: string): Mailbox[] => {
      const members = Array.from({ length: size }, (_, index) => new Mailbox(`${index}`))
      for (const member of members) router.subscribe(member, subscriptionTo(filter))
      return members
    }
    const got = (mailboxes: Mailbox[]) => mailboxes.filter(({ messages }) => messages.length === 1).length

    it('is reported for each message: the work of its subscribers, and its bytes', () => {
      const members = crowd(10, 'a')
      for (const member of members) member.work = 7
      const { work: small } = router.publish(messageOn('a'))
      expect(small).toBeGreaterThanOrEqual(10 * 7)
      const large = Message.of({ topic: 'a', payload: Buffer.alloc(100 * 1024) })
      expect(router.publish(large).work).toBeGreaterThanOrEqual(small + 10 * 100)
    })

    it('over the limit is not begun: no subscriber gets the message', () => {
      const members = crowd(100, 'a')
      crowd(100, 'b')
      expect(router.publish(messageOn('a'), undefined, 50)).toMatchObject({ subscribers: 0, isTooMuch: true })
      expect(got(members)).toBe(0)
      expect(router.publish(messageOn('a'), undefined, 1_000)).toMatchObject({ subscribers: 100, isTooMuch: false })
      expect(got(members)).toBe(100)
    })

    it('in steps is about the given maximum, and each subscriber gets the message once and in order', () => {
      const members = crowd(100, '+')
      const both = new Mailbox()
      for (const filter of ['#', 'a']) router.subscribe(both, subscriptionTo(filter))
      const shared = new Mailbox()
      router.subscribe(shared, subscriptionTo('$share/group/+'))
      const publish = router.publishInSteps(messageOn('a'))
      const steps: number[] = []
      while (!publish.isDone) steps.push(publish.step(10))
      expect([got(members), both.messages.length, shared.messages.length, publish.subscribers]).toEqual([
        100, 1, 1, 102,
      ])
      expect(Math.max(...steps)).toBeLessThanOrEqual(20)
      expect(steps.reduce((sum, step) => sum + step)).toBeGreaterThanOrEqual(102)
    })

    it('in steps reaches no subscriber where there is none', () => {
      const publish = router.publishInSteps(messageOn('a'))
      while (!publish.isDone) publish.step(10)
      expect(publish.subscribers).toBe(0)
    })

    it('that is left to do leaves out who unsubscribes, as far as all of its subscriptions go [MQTT-3.10.4-2]', () => {
      const members = crowd(20, 'a')
      const both = crowd(20, '+')
      for (const member of both) router.subscribe(member, subscriptionTo('#'))
      const publish = router.publishInSteps(messageOn('a'))
      while (!publish.isRouted) publish.step(5)
      publish.step(5)
      const before = got(members) + got(both)
      expect(before).toBeGreaterThan(0)
      for (const member of members) router.unsubscribe(member, 'a')
      for (const member of both) router.unsubscribe(member, '+')
      while (!publish.isDone) publish.step(5)
      // One of their subscriptions is left.
      expect(got(both)).toBe(20)
      expect(got(members)).toBeLessThan(20)
      expect(publish.subscribers).toBe(got(members) + got(both))
    })

    it('in steps continues for a subscriber that replaces its subscription, while others come and go', () => {
      const members = crowd(20, 'a/+')
      const publish = router.publishInSteps(messageOn('a/b'))
      while (!publish.isDone) {
        for (const member of members) router.subscribe(member, subscriptionTo('a/+', { qos: 1 }))
        const other = new Mailbox()
        for (const filter of ['#', 'a/b', 'a/+', '+/b']) router.subscribe(other, subscriptionTo(filter))
        for (const filter of ['#', 'a/b', 'a/+', '+/b']) router.unsubscribe(other, filter)
        publish.step(3)
      }
      expect(got(members)).toBe(20)
      expect(router.publish(messageOn('a/b')).subscribers).toBe(20)
    })

    it('in steps does not forward to the publisher through No Local [MQTT-3.8.3-3]', () => {
      const [publisher, other] = crowd(2, 'a') as [Mailbox, Mailbox]
      router.subscribe(publisher, subscriptionTo('a', { noLocal: true }))
      const publish = router.publishInSteps(messageOn('a'), publisher)
      while (!publish.isDone) publish.step(1)
      expect([publisher.messages.length, other.messages.length]).toEqual([0, 1])
    })
  })
}
