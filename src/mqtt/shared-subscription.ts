import { hashOfBytes } from '../collections/hash.ts'
import { SmallMap } from '../collections/small-map.ts'
import { deliveryOf } from './delivery.ts'
import { type DeliveryResult, withWork } from './delivery-result.ts'
import { type Member, type MemberList, MembersByHash, MembersInTurn, mix } from './member-list.ts'
import type { Message } from './message.ts'
import type { Subscriber } from './subscriber.ts'
import type { Subscription } from './subscription.ts'

/** How a Shared Subscription chooses among its members. */
export const SHARED_SUBSCRIPTION_POLICIES = ['round-robin', 'sticky', 'topic-hash', 'least-in-flight'] as const
export type SharedSubscriptionPolicy = (typeof SHARED_SUBSCRIPTION_POLICIES)[number]

/** The maximum number of members that are considered for a message. */
export const MAXIMUM_LOOKED = 32

/**
 * A Shared Subscription (section 4.8.2): a ShareName and a Topic Filter, and the sessions that share the messages.
 *
 * Each message goes to one member: to one that can send it at once, otherwise to one that is connected, otherwise to a session
 * that waits for its client. Connected members and members that are away are in separate lists, so that a choice considers at
 * most `MAXIMUM_LOOKED` members. The choice depends only on the members, their order and earlier choices.
 */
export class SharedSubscription {
  /** In full: `$share/{ShareName}/{filter}`. */
  readonly filter: string
  #policy: SharedSubscriptionPolicy
  #connected: MemberList
  #away: MemberList
  readonly #bySubscriber = new SmallMap<Subscriber, Member>()
  /** Members that the last choice looked at. */
  #looked = 0

  constructor(filter: string, policy: SharedSubscriptionPolicy) {
    this.filter = filter
    this.#policy = policy
    this.#connected = listFor(policy)
    this.#away = listFor(policy)
  }

  /** The one of a predecessor, at a reset: it stays as it is. */
  static from(before: Pick<SharedSubscription, 'handOver'>): SharedSubscription {
    const { filter, policy, connected, away } = before.handOver()
    const shared = new SharedSubscription(filter, policy)
    shared.#fill(shared.#connected, connected)
    shared.#fill(shared.#away, away)
    return shared
  }

  /** For a successor. Changes nothing. */
  handOver(): SharedState {
    const { filter } = this
    return { filter, policy: this.#policy, connected: membersOf(this.#connected), away: membersOf(this.#away) }
  }

  #fill(list: MemberList, { members, first }: MembersState): void {
    for (const { subscriber, delivery, hash } of members) {
      const member = { subscriber, delivery, hash, list, index: 0 }
      list.add(member)
      this.#bySubscriber.set(subscriber, member)
    }
    if (members.length > 0) list.continueAt(list.at(first), false)
  }

  /** Chooses by another policy from now on. @returns takes it back. */
  adopt(policy: SharedSubscriptionPolicy): () => void {
    const before = { policy: this.#policy, connected: this.#connected, away: this.#away }
    const places = Array.from(this.#bySubscriber.values(), (member) => ({ ...member, member }))
    this.#policy = policy
    if ((policy === 'topic-hash') !== (before.policy === 'topic-hash')) {
      this.#connected = moved(before.connected, listFor(policy))
      this.#away = moved(before.away, listFor(policy))
    }
    return () => {
      this.#policy = before.policy
      this.#connected = before.connected
      this.#away = before.away
      for (const { member, list, index } of places) {
        member.list = list
        member.index = index
      }
    }
  }

  get size(): number {
    return this.#connected.size + this.#away.size
  }

  /** Adds a member, or replaces the subscription of a member. @returns whether it was a member already. */
  set(subscriber: Subscriber, subscription: Subscription): boolean {
    // The member's own granted QoS and identifier [MQTT-4.8.2-3].
    const delivery = deliveryOf(subscription, this.filter)
    const existing = this.#bySubscriber.get(subscriber)
    if (existing !== undefined) {
      existing.delivery = delivery
      return true
    }
    const list = subscriber.connected ? this.#connected : this.#away
    const member = { subscriber, delivery, hash: hashOfText(subscriber.id), list, index: 0 }
    list.add(member)
    this.#bySubscriber.set(subscriber, member)
    return false
  }

  /** The members are other subscribers from now on, with the same Client Identifiers, in the same order. */
  replaceSubscribers(successorOf: (subscriber: Subscriber) => Subscriber): void {
    this.#bySubscriber.replaceKeys(successorOf)
    for (const member of this.#bySubscriber.values()) member.subscriber = successorOf(member.subscriber)
  }

  /** Removes a member. @returns false if it was not a member. */
  delete(subscriber: Subscriber): boolean {
    const member = this.#bySubscriber.get(subscriber)
    if (member === undefined) return false
    this.#bySubscriber.delete(subscriber)
    member.list.delete(member)
    return true
  }

  /** Called when the client of a member has connected or disconnected. No effect if the subscriber is not a member. */
  connectionChanged(subscriber: Subscriber): void {
    const member = this.#bySubscriber.get(subscriber)
    const list = subscriber.connected ? this.#connected : this.#away
    if (member === undefined || member.list === list) return
    member.list.delete(member)
    member.list = list
    list.add(member)
  }

  /**
   * Delivers a message to one member.
   * @param except is not chosen.
   * @returns the result of the member, with one unit of work for each member that was considered; 0 if no member gets it.
   */
  deliver(message: Message, except?: Subscriber): DeliveryResult {
    const connected = this.#choose(this.#connected, message, except, false)
    if (connected !== undefined && mayReceive(connected, message)) return this.#pass(message, connected)
    const away = this.#choose(this.#away, message, except, false)
    // The turn passes on even if no member may get the message: the next message may find other members.
    const member = away !== undefined && mayReceive(away, message) ? away : (connected ?? away)
    return member === undefined ? 0 : this.#pass(message, member)
  }

  /**
   * Delivers a message to a member that can send it at once, if there is one. All connected members are considered.
   * @returns as `deliver`.
   */
  deliverNow(message: Message, except: Subscriber): DeliveryResult {
    const member = this.#choose(this.#connected, message, except, true)
    return member === undefined ? 0 : this.#pass(message, member)
  }

  #pass(message: Message, member: Member): DeliveryResult {
    member.list.continueAt(member, this.#policy !== 'sticky')
    const looked = this.#looked
    return withWork(member.subscriber.deliver(message, member.delivery), looked)
  }

  /**
   * The member of the lowest cost among the members that are ready, otherwise among all that may get the message, otherwise among
   * all. The first in the order of the list wins.
   */
  #choose(list: MemberList, message: Message, except: Subscriber | undefined, now: boolean): Member | undefined {
    const topicHash = this.#policy === 'topic-hash' ? topicHashOf(message) : 0
    const first = list.first(topicHash)
    const limit = now ? list.size : Math.min(list.size, MAXIMUM_LOOKED)
    let best: Member | undefined
    let bestIsReady = false
    let bestMayReceive = false
    let bestCost = 0
    let looked = 0
    while (looked < limit) {
      const member = list.at(first + looked)
      looked += 1
      if (member.subscriber === except) continue
      const isAllowed = mayReceive(member, message)
      if (!isAllowed && (now || bestMayReceive)) continue
      const isReady = isAllowed && (list === this.#away || this.#isReady(member, message, now))
      if (!isReady && (now || bestIsReady)) continue
      const cost = this.#costOf(member, topicHash)
      const isAlike = isReady === bestIsReady && isAllowed === bestMayReceive
      if (best !== undefined && isAlike && cost >= bestCost) continue
      best = member
      bestIsReady = isReady
      bestMayReceive = isAllowed
      bestCost = cost
      if (isReady && cost === 0) break
    }
    this.#looked = looked
    return best
  }

  /**
   * Whether a connected member can get the message now. If messages or topics stay with one member, a message at QoS 1 or 2
   * waits for its member and is not lost.
   */
  #isReady({ subscriber, delivery }: Member, message: Message, now: boolean): boolean {
    const qos = message.qos < delivery.qos ? message.qos : delivery.qos
    const keepsTogether = this.#policy === 'sticky' || this.#policy === 'topic-hash'
    return (keepsTogether && qos > 0 && !now) || subscriber.takes(qos)
  }

  #costOf({ subscriber, hash }: Member, topicHash: number): number {
    if (this.#policy === 'least-in-flight') return subscriber.unacknowledged
    // Another order of the members for every topic (rendezvous hashing): when a member goes, its topics spread over the
    // others and no other topic moves.
    return this.#policy === 'topic-hash' ? mix(hash ^ topicHash) : 0
  }
}

/** What goes to the successor at a reset. */
export interface SharedState {
  readonly filter: string
  readonly policy: SharedSubscriptionPolicy
  readonly connected: MembersState
  readonly away: MembersState
}

interface MembersState {
  /** In the order of their list. */
  readonly members: readonly Pick<Member, 'subscriber' | 'delivery' | 'hash'>[]
  /** The place of the one whose turn it is. */
  readonly first: number
}

const membersOf = (list: MemberList): MembersState => ({
  members: Array.from({ length: list.size }, (_, place) => list.at(place)),
  first: list.first(0),
})

const listFor = (policy: SharedSubscriptionPolicy): MemberList =>
  policy === 'topic-hash' ? new MembersByHash() : new MembersInTurn()

/** Puts the members of a list into another one. The first list stays as it is. */
const moved = (from: MemberList, to: MemberList): MemberList => {
  for (let place = 0; place < from.size; place += 1) {
    const member = from.at(place)
    member.list = to
    to.add(member)
  }
  return to
}

const mayReceive = ({ subscriber }: Member, message: Message): boolean => subscriber.mayReceive?.(message) !== false

const topicHashOf = ({ bytes, topicStart, topicEnd }: Message): number => hashOfBytes(bytes, topicStart, topicEnd)

const hashOfText = (text: string): number => {
  const bytes = Buffer.from(text)
  return hashOfBytes(bytes, 0, bytes.length)
}
