import type { IPublishPacket } from 'mqtt-packet'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Router, Subscriber } from '../../src/kinds/router.ts'

/** A subscriber that keeps what it receives. */
class Mailbox implements Subscriber {
  readonly messages: IPublishPacket[] = []

  get topics(): string[] {
    return this.messages.map(({ topic }) => topic)
  }

  deliver(message: IPublishPacket): void {
    this.messages.push(message)
  }
}

const messageOn = (topic: string): IPublishPacket => ({
  cmd: 'publish',
  topic,
  payload: Buffer.from('payload'),
  qos: 0,
  retain: false,
  dup: false,
})

/** What every Router must do. @param create makes a router without subscriptions. */
export const routerContract = (name: string, create: () => Router): void => {
  describe(`${name} as a Router`, () => {
    let router: Router
    let mailbox: Mailbox
    const publish = (...topics: string[]) => {
      for (const topic of topics) router.publish(messageOn(topic))
    }
    beforeEach(() => {
      router = create()
      mailbox = new Mailbox()
    })

    it('passes a message to the subscribers of its topic before publish returns, and to nobody else', () => {
      const other = new Mailbox()
      router.subscribe('a/b', mailbox)
      router.subscribe('a', other)
      const message = messageOn('a/b')
      router.publish(message)
      expect(mailbox.messages).toEqual([message])
      expect(other.messages).toEqual([])
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
    ])('matches %s as section 4.7 says', (filter, matching, others) => {
      router.subscribe(filter, mailbox)
      publish(...others)
      expect(mailbox.topics).toEqual([])
      publish(...matching)
      expect(mailbox.topics).toEqual(matching)
    })

    it('delivers a message once to a subscriber with several filters that match', () => {
      for (const filter of ['a/b', 'a/+', 'a/#', '#', '+/b']) router.subscribe(filter, mailbox)
      publish('a/b')
      expect(mailbox.topics).toEqual(['a/b'])
    })

    it('delivers to each of several subscribers, by exact filters and by wildcards', () => {
      const others = [new Mailbox(), new Mailbox()]
      router.subscribe('a/b', mailbox)
      router.subscribe('a/b', others[0]!)
      router.subscribe('a/+', others[1]!)
      publish('a/b')
      for (const { topics } of [mailbox, ...others]) expect(topics).toEqual(['a/b'])
    })

    it('holds one subscription for a filter given twice by the same subscriber', () => {
      for (const filter of ['a', 'a', 'a/+', 'a/+']) router.subscribe(filter, mailbox)
      expect(router.subscriptions).toBe(2)
      router.subscribe('a', new Mailbox())
      expect(router.subscriptions).toBe(3)
    })

    it('ends one subscription and leaves the others', () => {
      const other = new Mailbox()
      for (const filter of ['a/b', 'a/+', 'a/#']) router.subscribe(filter, mailbox)
      router.subscribe('a/+', other)
      expect(router.unsubscribe('a/+', mailbox)).toBe(true)
      expect(router.unsubscribe('a/b', mailbox)).toBe(true)
      publish('a/b')
      expect([mailbox.topics, other.topics]).toEqual([['a/b'], ['a/b']])
      expect(router.unsubscribe('a/#', mailbox)).toBe(true)
      publish('a/b')
      expect(mailbox.topics).toEqual(['a/b'])
      expect(router.subscriptions).toBe(1)
    })

    it('says so when there is no subscription to end', () => {
      router.subscribe('a/+', new Mailbox())
      for (const filter of ['a/+', 'a/b', 'b/#', 'a/+/c']) expect(router.unsubscribe(filter, mailbox)).toBe(false)
      expect(router.subscriptions).toBe(1)
    })

    it('takes a topic of 65,535 slashes', () => {
      router.subscribe('/+/#', mailbox)
      router.subscribe('+/+/+', mailbox)
      publish('/'.repeat(65_535))
      expect(mailbox.topics).toHaveLength(1)
    })

    it('bears subscriptions that change while it delivers', () => {
      const leaver: Subscriber = { deliver: () => router.unsubscribe('a', leaver) }
      router.subscribe('a', leaver)
      router.subscribe('a', mailbox)
      publish('a', 'a')
      expect(mailbox.topics).toEqual(['a', 'a'])
      expect(router.subscriptions).toBe(1)
    })
  })
}
