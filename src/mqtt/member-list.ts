import type { Delivery, Subscriber } from './subscriber.ts'

/** A member of a Shared Subscription. */
export interface Member {
  /** Replaced at a reset, see `Router.replaceSubscribers`. */
  subscriber: Subscriber
  delivery: Delivery
  /** The hash of its Client Identifier. */
  readonly hash: number
  /** The list that contains it. */
  list: MemberList
  /** Its place in a list that takes its members in turn. */
  index: number
}

/** The connected members of a Shared Subscription, or the members that are away. */
export interface MemberList {
  readonly size: number
  add(member: Member): void
  /** Removes a member of the list. */
  delete(member: Member): void
  /** The place of the member that is considered first, for a topic. */
  first(topicHash: number): number
  /** The member at a place. The first member follows the last. @param place less than twice the size. */
  at(place: number): Member
  /** The next search begins at this member, or behind it. */
  continueAt(member: Member, behind: boolean): void
}

/** In the order of their turns. Every operation takes constant time. */
export class MembersInTurn implements MemberList {
  readonly #members: Member[] = []
  #next = 0

  get size(): number {
    return this.#members.length
  }

  add(member: Member): void {
    member.index = this.#members.length
    this.#members.push(member)
  }

  /** The last member takes the place of the removed one. */
  delete(member: Member): void {
    const last = this.#members.pop()!
    if (last !== member) {
      this.#members[member.index] = last
      last.index = member.index
    }
    if (this.#next >= this.#members.length) this.#next = 0
  }

  first(): number {
    return this.#next
  }

  at(place: number): Member {
    return this.#members[place < this.#members.length ? place : place - this.#members.length]!
  }

  continueAt({ index }: Member, behind: boolean): void {
    this.#next = behind ? (index + 1) % this.#members.length : index
  }
}

/**
 * Members in a ring, ordered by the hashes of their Client Identifiers. A topic also has a place in the ring and chooses among
 * the few members that follow it. These stay the same until one of them is added or removed. Adding or removing a member shifts
 * the members behind it by one place: with 10,000 members that takes some microseconds.
 */
export class MembersByHash implements MemberList {
  readonly #members: Member[] = []

  get size(): number {
    return this.#members.length
  }

  add(member: Member): void {
    this.#members.splice(this.#placeOf(mix(member.hash), member.subscriber.id), 0, member)
  }

  delete(member: Member): void {
    let place = this.#placeOf(mix(member.hash), member.subscriber.id)
    // Two sessions may have the same identifier for a short time: the session that ends and its successor.
    while (this.#members[place] !== member) place += 1
    this.#members.splice(place, 1)
  }

  first(topicHash: number): number {
    const place = this.#placeOf(mix(topicHash), '')
    return place === this.#members.length ? 0 : place
  }

  at(place: number): Member {
    return this.#members[place < this.#members.length ? place : place - this.#members.length]!
  }

  continueAt(): void {}

  /** The first place at or behind a position in the ring; the number of members when there is none. */
  #placeOf(position: number, id: string): number {
    let low = 0
    let high = this.#members.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const { hash, subscriber } = this.#members[middle]!
      const other = mix(hash)
      if (other < position || (other === position && subscriber.id < id)) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Spreads every bit of a hash over all of them: the finalizer of MurmurHash3. @returns 32 bits without a sign. */
export const mix = (hash: number): number => {
  let mixed = hash
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
