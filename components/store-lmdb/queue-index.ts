/**
 * Where the messages of one session's queue are, in the order of their sequence numbers: added at the end, removed from
 * anywhere, read from any number on. Each takes constant time for numbers that follow one another, and the time of a binary
 * search otherwise. A place is three numbers in one array.
 */
export class QueueIndex {
  /** For each place: sequence number, slot of the message or -1 when it was removed, `receiverPlace`. */
  #places: number[] = []
  /** Nothing but removed places stands before this one. */
  #head = 0
  #count = 0
  #lastSequence = 0
  /** By sequence number, what was sent; undefined while nothing is. */
  #sent: Map<number, SentMessage> | undefined

  /** For a successor of another generation of the code. Changes nothing. */
  handOver(): QueueIndexState {
    const { count, lastSequence } = this
    return { places: this.#places, head: this.#head, count, lastSequence, sent: this.#sent }
  }

  /** Continues at a reset. The one that gave this must not be used meanwhile. */
  takeOver({ places, head, count, lastSequence, sent }: QueueIndexState): void {
    this.#places = places
    this.#head = head
    this.#count = count
    this.#lastSequence = lastSequence
    this.#sent = sent
  }

  get count(): number {
    return this.#count
  }

  /** The highest sequence number there ever was. */
  get lastSequence(): number {
    return this.#lastSequence
  }

  /**
   * Adds a place where its number belongs. There must be none with this number.
   * @param index of the receiver in its message.
   * @param isShared it came by a Shared Subscription.
   */
  add(sequence: number, slot: number, index: number, isShared: boolean): void {
    const last = receiverPlace(index, isShared)
    this.#count += 1
    if (sequence > this.#lastSequence) {
      this.#lastSequence = sequence
      this.#places.push(sequence, slot, last)
      return
    }
    const at = this.#seek(sequence)
    if (at * FIELDS === this.#places.length) this.#places.push(sequence, slot, last)
    else if (this.#places[at * FIELDS] === sequence) this.#set(at, slot, last)
    else this.#places.splice(at * FIELDS, 0, sequence, slot, last)
  }

  /**
   * Adds places behind all others, as `add`, in memory of their size.
   * @param numbers lent: sequence number, slot and `receiverPlace` of each. The sequence numbers ascend and are above the last one.
   * @param length how many of the numbers.
   */
  append(numbers: readonly number[], length: number): void {
    if (length === 0) return
    const places = numbers.slice(0, length)
    this.#places = this.#places.length === 0 ? places : this.#places.concat(places)
    this.#count += length / FIELDS
    this.#lastSequence = places[length - FIELDS]!
  }

  /** @returns where the message with this number is; -1 if there is none. For `slotAt` and `indexAt`, until the next change. */
  find(sequence: number): number {
    const at = this.#seek(sequence)
    return this.#places[at * FIELDS] === sequence && this.#places[at * FIELDS + 1] !== REMOVED ? at : -1
  }

  /** @returns the first place behind a number that has a message; -1 at the end. */
  findAfter(sequence: number): number {
    return this.#skipRemoved(this.#seek(sequence + 1))
  }

  /** @returns the place behind this one that has a message; -1 at the end. */
  next(at: number): number {
    return this.#skipRemoved(at + 1)
  }

  sequenceAt(at: number): number {
    return this.#places[at * FIELDS]!
  }

  slotAt(at: number): number {
    return this.#places[at * FIELDS + 1]!
  }

  indexAt(at: number): number {
    return this.#places[at * FIELDS + 2]! >>> 1
  }

  isSharedAt(at: number): boolean {
    return (this.#places[at * FIELDS + 2]! & 1) === 1
  }

  /** The receiver has another index in its message. */
  moveTo(sequence: number, index: number): void {
    const at = this.find(sequence)
    if (at !== -1) this.#places[at * FIELDS + 2] = receiverPlace(index, this.isSharedAt(at))
  }

  sent(sequence: number): SentMessage | undefined {
    return this.#sent?.get(sequence)
  }

  setSent(sequence: number, sent: SentMessage): void {
    this.#sent ??= new Map()
    this.#sent.set(sequence, sent)
  }

  /** A message with this number was there. Later ones have higher numbers. */
  passed(sequence: number): void {
    if (sequence > this.#lastSequence) this.#lastSequence = sequence
  }

  /** Removes the message with this number, which must be there. */
  remove(sequence: number): void {
    const places = this.#places
    places[this.#seek(sequence) * FIELDS + 1] = REMOVED
    this.#count -= 1
    if (this.#sent?.delete(sequence) === true && this.#sent.size === 0) this.#sent = undefined
    const total = places.length / FIELDS
    while (this.#head < total && places[this.#head * FIELDS + 1] === REMOVED) this.#head += 1
    if (total - this.#count > this.#count + SPARE_PLACES) this.#compact()
  }

  #set(at: number, slot: number, last: number): void {
    this.#places[at * FIELDS + 1] = slot
    this.#places[at * FIELDS + 2] = last
  }

  #skipRemoved(from: number): number {
    const places = this.#places
    for (let at = from; at * FIELDS < places.length; at += 1) if (places[at * FIELDS + 1] !== REMOVED) return at
    return -1
  }

  /** The first place, at or behind the head, with this number or a higher one. */
  #seek(sequence: number): number {
    const places = this.#places
    const total = places.length / FIELDS
    let low = this.#head
    if (low === total) return low
    // Numbers only grow, so it is there at the latest; and just there when none is missing.
    const guess = low + sequence - places[low * FIELDS]!
    if (guess <= low) return low
    let high = Math.min(guess, total)
    if (high === guess && guess < total && places[guess * FIELDS] === sequence) return guess
    while (low < high) {
      const middle = (low + high) >>> 1
      if (places[middle * FIELDS]! < sequence) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Closes the gaps. There are as many as messages by then, so that each removal pays for a place or two. */
  #compact(): void {
    const kept: number[] = []
    for (let at = this.findAfter(0); at !== -1; at = this.next(at)) {
      kept.push(this.sequenceAt(at), this.slotAt(at), this.#places[at * FIELDS + 2]!)
    }
    this.#places = kept
    this.#head = 0
  }
}

/** The receiver of a message and whether it came by a Shared Subscription, as one number. */
export const receiverPlace = (index: number, isShared: boolean): number => index * 2 + (isShared ? 1 : 0)

/** What goes to the successor at a reset. */
export interface QueueIndexState {
  readonly places: number[]
  readonly head: number
  readonly count: number
  readonly lastSequence: number
  readonly sent: Map<number, SentMessage> | undefined
}

/** What was sent and not acknowledged. */
export interface SentMessage {
  readonly packetIdentifier: number
  readonly pubrecOrder: number
  /** It is in a row of `SentRows`, or on its way there; else with its message. */
  readonly isInRow: boolean
}

const FIELDS = 3
const REMOVED = -1
/** Gaps that are never worth closing: a queue that goes up and down by a few messages keeps its memory. */
const SPARE_PLACES = 32
