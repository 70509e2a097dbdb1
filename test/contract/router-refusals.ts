import { beforeEach, describe, expect, it } from 'vitest'
import type { Router } from '../../src/kinds/router.ts'
import { Mailbox, messageOn, RunMailbox, runOf, subscriptionTo } from '../helpers/mailbox.ts'

/** What every Router must report of subscribers whose full queues refuse a message. @param create makes a router. */
export const refusedPublishContract = (create: () => Router): void => {
  describe('a subscriber that refuses a message', () => {
    let router: Router
    let refusing: Mailbox
    let taking: Mailbox
    beforeEach(() => {
      router = create()
      refusing = new Mailbox('refusing')
      refusing.refuses = true
      refusing.work = 7
      taking = new Mailbox('taking')
      router.subscribe(taking, subscriptionTo('a'))
    })

    it.each(['a', '+', '$share/group/a'])('through %s is counted, and its work is', (filter) => {
      expect(router.publish(messageOn('a'))).toMatchObject({ subscribers: 1, refused: 0 })
      router.subscribe(refusing, subscriptionTo(filter))
      const result = { ...router.publish(messageOn('a')) }
      expect(result).toMatchObject({ subscribers: 2, refused: 1, isTooMuch: false })
      expect(result.work).toBeGreaterThanOrEqual(7 + 1)
      refusing.refuses = false
      expect(router.publish(messageOn('a'))).toMatchObject({ subscribers: 2, refused: 0 })
    })

    it('is not reported for a message that was too much work, or has no subscriber', () => {
      router.subscribe(refusing, subscriptionTo('a'))
      router.publish(messageOn('a'))
      expect(router.publish(messageOn('b'))).toMatchObject({ subscribers: 0, refused: 0 })
      router.publish(messageOn('a'))
      expect(router.publish(messageOn('a'), undefined, 0)).toMatchObject({ isTooMuch: true, refused: 0 })
    })

    it('is reported although another message is published meanwhile', () => {
      // A listener may publish while a message is delivered to it: each message has its own result.
      const publishing = new Mailbox('publishing')
      publishing.deliver = () => {
        expect(router.publish(messageOn('b'))).toMatchObject({ subscribers: 1, refused: 0 })
        return 1
      }
      router.subscribe(new Mailbox('other'), subscriptionTo('b'))
      router.subscribe(refusing, subscriptionTo('a'))
      router.subscribe(publishing, subscriptionTo('a'))
      expect(router.publish(messageOn('a'))).toMatchObject({ subscribers: 3, refused: 1 })
    })

    it.each(['a', '$share/group/+'])('through %s is counted when a message is delivered in steps', (filter) => {
      router.subscribe(refusing, subscriptionTo(filter))
      const publish = router.publishInSteps(messageOn('a'))
      expect(publish.refused).toBe(0)
      let work = 0
      while (!publish.isDone) work += publish.step(1)
      expect([publish.subscribers, publish.refused]).toEqual([2, 1])
      expect(work).toBeGreaterThanOrEqual(7 + 1)
    })

    it('is counted when a message passes to another member of a Shared Subscription', () => {
      const gone = new Mailbox('gone')
      for (const member of [gone, refusing]) router.subscribe(member, subscriptionTo('$share/group/b'))
      for (const now of [false, true]) {
        expect(router.redeliver(messageOn('b'), '$share/group/b', gone, now)).toMatchObject({ refused: 1 })
      }
      refusing.refuses = false
      expect(router.redeliver(messageOn('b'), '$share/group/b', gone)).toMatchObject({ subscribers: 1, refused: 0 })
    })

    it('is counted for each message of a run, with those that took the run as a whole', () => {
      if (router.publishRun === undefined) return
      const run = () => runOf('a', ['1', '22', '333'])
      const reached: number[][] = []
      const publish = () => router.publishRun!(run(), undefined, undefined, (...each) => void reached.push(each))
      router.subscribe(new RunMailbox(true), subscriptionTo('a'))
      expect(publish()).toMatchObject({ whole: 1, single: 3, refused: 0 })
      router.subscribe(refusing, subscriptionTo('a'))
      expect(publish()).toMatchObject({ whole: 1, single: 6, refused: 3 })
      // Only the second message finds the queue full.
      let messages = 0
      refusing.deliver = () => {
        messages += 1
        return messages === 2 ? -1 : 1
      }
      reached.length = 0
      expect(publish()).toMatchObject({ whole: 1, single: 6, refused: 1 })
      expect(reached).toEqual([
        [3, 0],
        [3, 1],
        [3, 0],
      ])
    })
  })
}
