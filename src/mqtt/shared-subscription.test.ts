import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runs } from '../../test/helpers/full-run.ts'
import { Mailbox, messageOn, subscriptionTo } from '../../test/helpers/mailbox.ts'
import { Message } from './message.ts'
import {
  MAXIMUM_LOOKED,
  SHARED_SUBSCRIPTION_POLICIES,
  SharedSubscription,
  type SharedSubscriptionPolicy,
} from './shared-subscription.ts'

const FILTER = '$share/group/#'

const groupOf = (policy: SharedSubscriptionPolicy, ids: string[]) => {
  const group = new SharedSubscription(FILTER, policy)
  const members = ids.map((id) => new Mailbox(id))
  for (const member of members) group.set(member, subscriptionTo(FILTER))
  /** Delivers a message on each topic. @returns the ids of who got them. */
  const deliver = (...topics: string[]): (string | undefined)[] =>
    topics.map((topic) => {
      const message = messageOn(topic)
      const before = members.map(({ messages }) => messages.length)
      group.deliver(message)
      return members.find(({ messages }, index) => messages.length > before[index]!)?.id
    })
  const connect = (member: Mailbox, connected: boolean) => {
    member.connected = connected
    group.connectionChanged(member)
  }
  return { group, members, deliver, connect }
}

const times = (count: number, topic = 'topic'): string[] => Array.from({ length: count }, () => topic)
const topics = (count: number): string[] => Array.from({ length: count }, (_, index) => `sensor/${index}/temperature`)

describe('round-robin', () => {
  it('takes the members in turn', () => {
    const { deliver } = groupOf('round-robin', ['a', 'b', 'c'])
    expect(deliver(...times(7))).toEqual(['a', 'b', 'c', 'a', 'b', 'c', 'a'])
  })

  it('skips members that are not connected', () => {
    const { deliver, members, connect } = groupOf('round-robin', ['a', 'b', 'c'])
    connect(members[1]!, false)
    expect(deliver(...times(4))).toEqual(['a', 'c', 'a', 'c'])
  })

  it('skips members that cannot send it now, for any number of messages', () => {
    const { deliver, members } = groupOf('round-robin', ['a', 'b', 'c'])
    members[0]!.ready = false
    expect(deliver(...times(4))).toEqual(['b', 'c', 'b', 'c'])
    members[1]!.ready = false
    members[2]!.ready = false
    expect(new Set(deliver(...times(3)))).toEqual(new Set(['a', 'b', 'c']))
  })

  it('skips members that may not get the message, and asks the others in turn', () => {
    const { deliver, members, connect } = groupOf('round-robin', ['a', 'b', 'c'])
    const [a, b, c] = members as [Mailbox, Mailbox, Mailbox]
    const mayNot = () => false
    Object.assign(a, { mayReceive: mayNot })
    expect(deliver(...times(4))).toEqual(['b', 'c', 'b', 'c'])
    // One that may and has to wait is better than one that may not.
    b.ready = false
    c.ready = false
    expect(new Set(deliver(...times(3)))).toEqual(new Set(['b', 'c']))
    connect(b, false)
    Object.assign(c, { mayReceive: mayNot })
    expect(deliver(...times(2))).toEqual(['b', 'b'])
    // Without another member the message is dropped by one that may not get it; each has its turn.
    Object.assign(b, { mayReceive: mayNot })
    expect(new Set(deliver(...times(2)))).toEqual(new Set(['a', 'c']))
  })

  it('takes members that are away in turn if no member is connected', () => {
    const { deliver, members, connect } = groupOf('round-robin', ['a', 'b'])
    for (const member of members) connect(member, false)
    expect(deliver(...times(4))).toEqual(['a', 'b', 'a', 'b'])
  })

  it('keeps its place when a member subscribes again', () => {
    const { deliver, group, members } = groupOf('round-robin', ['a', 'b', 'c'])
    deliver('topic')
    expect(group.set(members[0]!, subscriptionTo(FILTER, { qos: 2 }))).toBe(true)
    expect(deliver(...times(3))).toEqual(['b', 'c', 'a'])
    expect(members[0]!.deliveries.map(({ qos }) => qos)).toEqual([0, 2])
  })

  it('stays fair when members leave, from any place in the order', () => {
    for (const leaver of [0, 1, 2, 3]) {
      for (const before of [0, 1, 2, 3]) {
        const { deliver, group, members } = groupOf('round-robin', ['a', 'b', 'c', 'd'])
        deliver(...times(before))
        expect(group.delete(members[leaver]!)).toBe(true)
        expect(group.delete(members[leaver]!)).toBe(false)
        const got = deliver(...times(30))
        for (const { id } of members.filter((_, index) => index !== leaver)) {
          expect(got.filter((other) => other === id)).toHaveLength(10)
        }
      }
    }
  })
})

describe('sticky', () => {
  it('stays with one member until its client disconnects, then with another', () => {
    const { deliver, members, connect } = groupOf('sticky', ['a', 'b', 'c'])
    expect(deliver(...times(3))).toEqual(['a', 'a', 'a'])
    connect(members[0]!, false)
    const [other] = deliver('topic')
    expect(['b', 'c']).toContain(other)
    connect(members[0]!, true)
    expect(deliver(...times(3))).toEqual([other, other, other])
  })

  it('leaves a member that would lose the message, and waits for it where it would not', () => {
    const { deliver, members, group } = groupOf('sticky', ['a', 'b'])
    deliver('topic')
    members[0]!.ready = false
    group.set(members[0]!, subscriptionTo(FILTER, { qos: 1 }))
    group.deliver(Message.of({ topic: 'topic', qos: 1 }))
    expect(members.map(({ messages }) => messages.length)).toEqual([2, 0])
    expect(deliver(...times(2))).toEqual(['b', 'b'])
  })

  it('leaves a session without a client as soon as another member is connected', () => {
    const { deliver, members, connect } = groupOf('sticky', ['a', 'b'])
    for (const member of members) connect(member, false)
    expect(deliver(...times(2))).toEqual(['a', 'a'])
    connect(members[1]!, true)
    expect(deliver(...times(2))).toEqual(['b', 'b'])
  })
})

describe('topic-hash', () => {
  it('gives all messages on a topic to the same member, and the topics to all members', () => {
    const { deliver } = groupOf('topic-hash', ['a', 'b', 'c', 'd'])
    const first = deliver(...topics(400))
    expect(deliver(...topics(400))).toEqual(first)
    for (const id of ['a', 'b', 'c', 'd']) {
      const share = first.filter((other) => other === id).length
      expect(share).toBeGreaterThan(50)
      expect(share).toBeLessThan(150)
    }
  })

  it('moves only the topics of a member whose client goes, and gives them back', () => {
    const { deliver, members, connect } = groupOf('topic-hash', ['a', 'b', 'c', 'd'])
    const before = deliver(...topics(200))
    connect(members[2]!, false)
    const meanwhile = deliver(...topics(200))
    for (const [index, id] of before.entries()) {
      if (id === 'c') expect(meanwhile[index]).not.toBe('c')
      else expect(meanwhile[index]).toBe(id)
    }
    connect(members[2]!, true)
    expect(deliver(...topics(200))).toEqual(before)
  })

  it('does not depend on the order in which members came', () => {
    const ids = ['a', 'b', 'c', 'd']
    const before = groupOf('topic-hash', ids).deliver(...topics(100))
    expect(groupOf('topic-hash', ids.toReversed()).deliver(...topics(100))).toEqual(before)
  })
})

describe('topic-hash with more members than are looked at', () => {
  const ids = Array.from({ length: 400 }, (_, index) => `worker-${index}`)
  const spread = topics(4_000)

  it('gives all messages on a topic to the same member, and the topics to all members', () => {
    const { deliver } = groupOf('topic-hash', ids)
    const first = deliver(...spread)
    expect(deliver(...spread)).toEqual(first)
    const shares = new Map<string | undefined, number>()
    for (const id of first) shares.set(id, (shares.get(id) ?? 0) + 1)
    // 10 each on average.
    expect(shares.size).toBeGreaterThan(390)
    expect(Math.max(...shares.values())).toBeLessThan(40)
  })

  it('moves few topics when a member goes or comes, and gives them back', () => {
    const { deliver, members, connect } = groupOf('topic-hash', ids)
    const before = deliver(...spread)
    connect(members[7]!, false)
    const meanwhile = deliver(...spread)
    const moved = before.filter((id, index) => id !== meanwhile[index])
    // Those that it had, and some of the topics whose members to choose from are others now.
    expect(moved.length).toBeGreaterThanOrEqual(before.filter((id) => id === ids[7]).length)
    expect(moved.length).toBeLessThan(60)
    connect(members[7]!, true)
    expect(deliver(...spread)).toEqual(before)
  })

  it('does not depend on the order in which members came', () => {
    const before = groupOf('topic-hash', ids).deliver(...spread.slice(0, 500))
    expect(groupOf('topic-hash', ids.toReversed()).deliver(...spread.slice(0, 500))).toEqual(before)
  })
})

describe('least-in-flight', () => {
  it('takes the member with the fewest messages unacknowledged', () => {
    const { deliver, members } = groupOf('least-in-flight', ['a', 'b', 'c'])
    members[0]!.unacknowledged = 5
    members[1]!.unacknowledged = 2
    members[2]!.unacknowledged = 3
    expect(deliver(...times(2))).toEqual(['b', 'b'])
    members[1]!.unacknowledged = 9
    expect(deliver('topic')).toEqual(['c'])
  })

  it('takes members that are equally busy in turn', () => {
    const { deliver } = groupOf('least-in-flight', ['a', 'b', 'c'])
    expect(deliver(...times(5))).toEqual(['a', 'b', 'c', 'a', 'b'])
  })

  it('takes the least busy of the considered members, and considers others for the next message', () => {
    const { group, members } = groupOf('least-in-flight', [...Array.from({ length: 200 }, (_, index) => `${index}`)])
    for (const member of members) member.unacknowledged = 9
    members[150]!.unacknowledged = 1
    for (let times = 0; members[150]!.messages.length === 0 && times < 200; times += 1) {
      expect(group.deliver(messageOn('topic'))).toBeLessThanOrEqual(MAXIMUM_LOOKED + 1)
    }
    expect(members[150]!.messages).toHaveLength(1)
  })

  it('prefers a busy connected member to an idle member that is away', () => {
    const { deliver, members, connect } = groupOf('least-in-flight', ['a', 'b', 'c'])
    connect(members[0]!, false)
    members[1]!.unacknowledged = 100
    connect(members[2]!, false)
    members[2]!.unacknowledged = 200
    expect(deliver(...times(2))).toEqual(['b', 'b'])
    connect(members[1]!, false)
    expect(deliver('topic')).toEqual(['a'])
  })
})

const ACTIONS = [
  'join',
  'leave',
  'connect',
  'disconnect',
  'ready',
  'congested',
  'busy',
  'idle',
  'deliver',
  'redeliver',
] as const

describe.each(SHARED_SUBSCRIPTION_POLICIES)('any history, with the policy %s', (policy) => {
  const step = fc.record({
    member: fc.nat({ max: 4 }),
    action: fc.constantFrom(...ACTIONS),
  })

  it('gives every message to one member: one that can send it if possible, otherwise a connected member, and never the member that it is passed on from', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const group = new SharedSubscription(FILTER, policy)
        const all = ['a', 'b', 'c', 'd', 'e'].map((id) => new Mailbox(id))
        const joined = new Set<Mailbox>()
        for (const [index, { member, action }] of steps.entries()) {
          const mailbox = all[member]!
          if (action === 'connect' || action === 'disconnect') {
            mailbox.connected = action === 'connect'
            group.connectionChanged(mailbox)
          }
          if (action === 'ready' || action === 'congested') mailbox.ready = action === 'ready'
          if (action === 'busy' || action === 'idle') mailbox.unacknowledged = action === 'busy' ? index : 0
          if (action === 'join') {
            expect(group.set(mailbox, subscriptionTo(FILTER))).toBe(joined.has(mailbox))
            joined.add(mailbox)
          }
          if (action === 'leave') expect(group.delete(mailbox)).toBe(joined.delete(mailbox))
          expect(group.size).toBe(joined.size)
          if (action !== 'deliver' && action !== 'redeliver') continue
          const gone = action === 'redeliver' ? mailbox : undefined
          const candidates = [...joined].filter((other) => other !== gone)
          const message = messageOn(`topic/${index}`)
          expect(group.deliver(message, gone) > 0).toBe(candidates.length > 0)
          const receivers = all.filter(({ messages }) => messages.includes(message))
          expect(receivers).toHaveLength(candidates.length > 0 ? 1 : 0)
          for (const receiver of receivers) {
            expect(candidates).toContain(receiver)
            expect(receiver.connected).toBe(candidates.some(({ connected }) => connected))
            // At QoS 0, where a member that is congested drops it.
            expect(receiver.takes()).toBe(candidates.some((other) => other.takes()))
          }
        }
      }),
      { numRuns: runs(200) },
    )
  })
})
