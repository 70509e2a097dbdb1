import { expect, it } from 'vitest'
import type { Router } from '../../src/kinds/router.ts'
import { Mailbox, messageOn, subscriptionTo } from '../helpers/mailbox.ts'

/** Messages that tell of this process: they reach its subscribers. */
export const ownMessagesContract = (create: () => Router): void => {
  it('passes a message of this process to its subscribers in the same way', () => {
    const router = create()
    const mailbox = new Mailbox()
    const group = new Mailbox()
    router.subscribe(mailbox, subscriptionTo('$SYS/+'))
    router.subscribe(mailbox, subscriptionTo('$SYS/#'))
    router.subscribe(group, subscriptionTo('$share/group/$SYS/#'))
    const message = messageOn('$SYS/a')
    expect(router.publishHere(message)).toMatchObject({ subscribers: 2, refused: 0, isTooMuch: false })
    expect([mailbox.messages, group.messages]).toEqual([[message], [message]])
    expect(router.publishHere(messageOn('$SYS')).subscribers).toBe(2)
    expect(router.publishHere(messageOn('a')).subscribers).toBe(0)
  })
}
