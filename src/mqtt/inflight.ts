/** The most Packet Identifiers that there are: 1 to 65,535 (section 2.2.1). */
const MAXIMUM_PACKET_IDENTIFIER = 0xffff

const FIRST_SLOTS = 16
/** Half of all Packet Identifiers. */
const MOST_SLOTS = 32_768
/** An empty ring of more slots is given back. */
const KEPT_SLOTS = 256

/**
 * The in-flight window of one session in one direction: messages that were sent and are not acknowledged, by Packet Identifier
 * and in the order of sending. It holds less than 65,535 entries: the owner observes Receive Maximum, which is at most 65,535.
 *
 * Packet Identifiers are assigned in ascending order, and acknowledgements mostly come in this order. The entries are therefore
 * in a ring, at the place that the lower bits of their identifier give. Adding and removing an entry costs a tenth of what a
 * `Map` costs, and a session without messages allocates nothing. An entry that stays while many others come and go, that is
 * restored, or that is moved to the end, is in a `Map`. The ring therefore never has more than four slots for each of its
 * entries.
 */
export class Inflight<T extends object> {
  #slots: (T | undefined)[] = NO_SLOTS
  /** The Packet Identifiers of entries in the ring are from this one up to the last one. */
  #oldest = 1
  #last = 0
  /** Entries in the ring. */
  #count = 0
  /** Entries that are not in the ring: first those sent before the entries of the ring, then those moved to the end. */
  #others: Map<number, T> | undefined

  /** Makes one with the entries of another one, in their order. @param last the Packet Identifier that was assigned last. */
  static of<T extends object>(entries: Iterable<[number, T]>, last: number, own: (entry: T) => T): Inflight<T> {
    const inflight = new Inflight<T>()
    for (const [identifier, entry] of entries) inflight.restore(identifier, own(entry))
    inflight.#last = last
    return inflight
  }

  /** The Packet Identifier that was assigned last. */
  get last(): number {
    return this.#last
  }

  get size(): number {
    return this.#count + (this.#others === undefined ? 0 : this.#others.size)
  }

  /** Adds an entry under a Packet Identifier that is not in use [MQTT-2.2.1-4]. @returns the Packet Identifier. */
  add(entry: T): number {
    let identifier = this.#last
    do {
      identifier = identifier === MAXIMUM_PACKET_IDENTIFIER ? 1 : identifier + 1
      // All Packet Identifiers have been assigned since the oldest entry.
      while (this.#isInRing(identifier)) this.#leaveOutOldest()
    } while (this.#others?.has(identifier) === true)
    if (this.#count === 0) this.#oldest = identifier // the ring is empty
    if (distance(this.#oldest, identifier) >= this.#slots.length) this.#makeRoom(identifier)
    this.#slots[identifier & (this.#slots.length - 1)] = entry
    this.#count += 1
    this.#last = identifier
    return identifier
  }

  /** Enters the same thing under as many Packet Identifiers as `add` would, one after the other. @param identifiers takes them. */
  addAll(entry: T, count: number, identifiers: Uint16Array): void {
    let added = 0
    while (added < count) {
      identifiers[added] = this.add(entry)
      added += 1
      // The identifiers behind it have their places in the ring, up to its end or to the last identifier of all.
      const isAlone = this.#others === undefined || this.#others.size === 0
      const free = Math.min(
        this.#slots.length - 1 - distance(this.#oldest, this.#last),
        MAXIMUM_PACKET_IDENTIFIER - this.#last,
      )
      const end = isAlone ? Math.min(count, added + free) : added
      const mask = this.#slots.length - 1
      let identifier = this.#last
      this.#count += end - added
      for (; added < end; added += 1) {
        identifier += 1
        this.#slots[identifier & mask] = entry
        identifiers[added] = identifier
      }
      this.#last = identifier
    }
  }

  /** Restores an entry under the Packet Identifier that it had before, as the latest. Only before the first `add`. */
  restore(identifier: number, entry: T): void {
    this.#others ??= new Map()
    this.#others.set(identifier, entry)
    this.#last = identifier
  }

  get(identifier: number): T | undefined {
    if (this.#isInRing(identifier)) {
      const entry = this.#slots[identifier & (this.#slots.length - 1)]
      if (entry !== undefined) return entry
    }
    return this.#others?.get(identifier)
  }

  /** Replaces an entry. */
  replace(identifier: number, entry: T): void {
    if (this.#others?.has(identifier) === true) this.#others.set(identifier, entry)
    else if (this.get(identifier) !== undefined) this.#slots[identifier & (this.#slots.length - 1)] = entry
  }

  delete(identifier: number): boolean {
    if (this.#isInRing(identifier)) {
      const slot = identifier & (this.#slots.length - 1)
      if (this.#slots[slot] !== undefined) {
        this.#slots[slot] = undefined
        this.#count -= 1
        if (this.#count === 0 && this.#slots.length > KEPT_SLOTS) this.#slots = NO_SLOTS
        return true
      }
    }
    return this.#others?.delete(identifier) ?? false
  }

  /**
   * Takes out an entry if it is this one and in the ring. Does little for each acknowledgement of a dense load, so that the engine
   * can compile all of it as one function.
   * @returns false, and does nothing, otherwise: `get` and `delete` say more.
   */
  deleteIf(identifier: number, entry: T): boolean {
    const slot = identifier & (this.#slots.length - 1)
    if (this.#slots[slot] !== entry || !this.#isInRing(identifier)) return false
    this.#slots[slot] = undefined
    this.#count -= 1
    if (this.#count === 0 && this.#slots.length > KEPT_SLOTS) this.#slots = NO_SLOTS
    return true
  }

  /** Moves an entry to the end, behind all entries that were moved before. */
  moveToEnd(identifier: number): void {
    const entry = this.get(identifier)
    if (entry === undefined) return
    this.delete(identifier)
    this.#others ??= new Map()
    this.#others.set(identifier, entry)
  }

  /**
   * The entries with their Packet Identifiers. First those that were not moved, in the order of sending, then those that were
   * moved, in the order in which they were moved.
   */
  *entries(): Generator<[number, T]> {
    if (this.#others !== undefined) yield* this.#others
    const span = this.#count === 0 ? -1 : distance(this.#oldest, this.#last)
    for (let at = 0, left = this.#count; at <= span && left > 0; at += 1) {
      const identifier = (this.#oldest + at) & MAXIMUM_PACKET_IDENTIFIER
      const entry = this.#slots[identifier & (this.#slots.length - 1)]
      if (entry === undefined) continue
      left -= 1
      yield [identifier, entry]
    }
  }

  /** Removes all entries. */
  clear(): void {
    this.#slots = NO_SLOTS
    this.#count = 0
    this.#others = undefined
  }

  #isInRing(identifier: number): boolean {
    return this.#count > 0 && distance(this.#oldest, identifier) <= distance(this.#oldest, this.#last)
  }

  /**
   * Makes the ring long enough for this identifier, or moves the oldest entries out of the ring. Called if there is an entry,
   * or no slot.
   */
  #makeRoom(next: number): void {
    if (this.#slots.length === 0) this.#resize(FIRST_SLOTS)
    while (this.#count > 0 && distance(this.#oldest, next) >= this.#slots.length) {
      const isOldestThere = this.#slots[this.#oldest & (this.#slots.length - 1)] !== undefined
      const isLongEnough = this.#count * 2 < this.#slots.length || this.#slots.length === MOST_SLOTS
      if (isOldestThere && !isLongEnough) this.#resize(this.#slots.length * 2)
      else this.#leaveOutOldest()
    }
    if (this.#count === 0) this.#oldest = next
  }

  /** Takes the oldest identifier out of the ring. Its entry, if there is one, moves to the `Map`. */
  #leaveOutOldest(): void {
    const slot = this.#oldest & (this.#slots.length - 1)
    const entry = this.#slots[slot]
    if (entry !== undefined) {
      this.#others ??= new Map()
      this.#others.set(this.#oldest, entry)
      this.#slots[slot] = undefined
      this.#count -= 1
    }
    this.#oldest = (this.#oldest + 1) & MAXIMUM_PACKET_IDENTIFIER
  }

  #resize(length: number): void {
    // Not `Array.from`: it looks up each element in its argument, which took a twentieth of a fan-out at QoS 1.
    const slots = new Array<T | undefined>(length).fill(undefined)
    if (this.#count > 0) {
      const span = distance(this.#oldest, this.#last)
      for (let at = 0; at <= span; at += 1) {
        const identifier = this.#oldest + at
        slots[identifier & (length - 1)] = this.#slots[identifier & (this.#slots.length - 1)]
      }
    }
    this.#slots = slots
  }
}

const NO_SLOTS: never[] = []

/**
 * The number of steps from one Packet Identifier up to another. 65,535 is followed by 0, which is never assigned, and then by
 * 1.
 */
const distance = (from: number, to: number): number => (to - from) & MAXIMUM_PACKET_IDENTIFIER
