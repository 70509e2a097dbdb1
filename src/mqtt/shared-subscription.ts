import { hashOfBytes } from './hash.ts'
import type { Message } from './message.ts'
import { deliveryOf } from './route.ts'
import { SmallMap } from './small-map.ts'
import type { Delivery, Subscriber } from './subscriber.ts'
import type { Subscription } from './subscription.ts'

/** How a Shared Subscription chooses among its members. */
export const SHARED_SUBSCRIPTION_POLICIES = ['round-robin', 'sticky', 'topic-hash', 'least-in-flight'] as const
export type SharedSubscriptionPolicy = (typeof SHARED_SUBSCRIPTION_POLICIES)[number]

/**
 * A Shared Subscription (section 4.8.2): a ShareName and a Topic Filter, and the sessions that share the messages.
 *
 * Each message goes to one member. Those whose clients are connected come first; a session that waits for its client gets
 * one only when there is no other, and keeps it [MQTT-4.8.2-4]. The choice depends on nothing but the members, their order
 * and what was chosen before. It costs a look at each member at worst, and no memory.
 */
export class SharedSubscription {
  /** In full: `$share/{ShareName}/{filter}`. */
  readonly filter: string
  readonly #policy: SharedSubscriptionPolicy
  readonly #members: Member[] = []
  readonly #bySubscriber = new SmallMap<Subscriber, Member>()
  /** Index of the member that is looked at first. */
  #next = 0

  constructor(filter: string, policy: SharedSubscriptionPolicy) {
    this.filter = filter
    this.#policy = policy
  }

  get size(): number {
    return this.#members.length
  }

  /** Adds a member, or gives it another subscription in its place. @returns whether it was one already. */
  set(subscriber: Subscriber, subscription: Subscription): boolean {
    // The member's own granted QoS and identifier [MQTT-4.8.2-3].
    const delivery = deliveryOf(subscription, this.filter)
    const existing = this.#bySubscriber.get(subscriber)
    if (existing !== undefined) {
      existing.delivery = delivery
      return true
    }
    const member = { subscriber, delivery, hash: hashOfText(subscriber.id), index: this.#members.length }
    this.#members.push(member)
    this.#bySubscriber.set(subscriber, member)
    return false
  }

  /** Removes a member; the last one takes its place in the order. @returns false when it was none. */
  delete(subscriber: Subscriber): boolean {
    const member = this.#bySubscriber.get(subscriber)
    if (member === undefined) return false
    this.#bySubscriber.delete(subscriber)
    const last = this.#members.pop()!
    if (last !== member) {
      this.#members[member.index] = last
      last.index = member.index
    }
    if (this.#next >= this.#members.length) this.#next = 0
    return true
  }

  /**
   * Delivers a message to one member.
   * @param except is not chosen.
   * @returns false when there is no member that could get it.
   */
  deliver(message: Message, except?: Subscriber): boolean {
    const member = this.#choose(message, except)
    if (member === undefined) return false
    this.#next = this.#policy === 'sticky' ? member.index : (member.index + 1) % this.#members.length
    member.subscriber.deliver(message, member.delivery)
    return true
  }

  #choose(message: Message, except: Subscriber | undefined): Member | undefined {
    switch (this.#policy) {
      case 'round-robin':
      case 'sticky':
        return this.#firstMember(except)
      case 'least-in-flight':
        return this.#lowestMember(except, inFlight, 0)
      case 'topic-hash':
        return this.#lowestMember(except, rank, hashOfBytes(message.bytes, message.topicStart, message.topicEnd))
    }
  }

  /** The first connected member in the order, otherwise the first one. */
  #firstMember(except: Subscriber | undefined): Member | undefined {
    let offline: Member | undefined
    for (let step = 0; step < this.#members.length; step += 1) {
      const member = this.#memberAt(step)
      if (member.subscriber === except) continue
      if (member.subscriber.connected) return member
      offline ??= member
    }
    return offline
  }

  /** The connected member of the lowest cost, otherwise the member of the lowest cost; the first of several in the order. */
  #lowestMember(except: Subscriber | undefined, costOf: Cost, topicHash: number): Member | undefined {
    let lowest: Member | undefined
    let lowestCost = Number.POSITIVE_INFINITY
    let anyConnected = false
    for (let step = 0; step < this.#members.length; step += 1) {
      const member = this.#memberAt(step)
      const { connected } = member.subscriber
      if (member.subscriber === except || (anyConnected && !connected)) continue
      const cost = costOf(member, topicHash)
      if (cost >= lowestCost && connected === anyConnected) continue
      lowest = member
      lowestCost = cost
      anyConnected = connected
    }
    return lowest
  }

  #memberAt(step: number): Member {
    const index = this.#next + step
    return this.#members[index < this.#members.length ? index : index - this.#members.length]!
  }
}

interface Member {
  readonly subscriber: Subscriber
  delivery: Delivery
  /** Of its Client Identifier. */
  readonly hash: number
  /** In the order of members. */
  index: number
}

type Cost = (member: Member, topicHash: number) => number

const inFlight: Cost = ({ subscriber }) => subscriber.unacknowledged

/**
 * Another order of the members for every topic (rendezvous hashing): when a member goes, its topics spread over the others
 * and no other topic moves. The steps are the finalizer of MurmurHash3, which spreads every bit over all of them.
 */
const rank: Cost = ({ hash }, topicHash) => {
  let mixed = hash ^ topicHash
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

const hashOfText = (text: string): number => {
  const bytes = Buffer.from(text)
  return hashOfBytes(bytes, 0, bytes.length)
}
