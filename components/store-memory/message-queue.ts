import type { QueuedMessage } from '../../src/kinds/store.ts'

/**
 * The messages of one session in the order of their sequence numbers: added at the end, removed from anywhere, read from
 * any number on. Each takes constant time for numbers that follow one another, and the time of a binary search otherwise.
 */
export class MessageQueue {
  /** Sorted by sequence number. A message that was removed leaves its number behind, so that no other has to move. */
  #places: Place[] = []
  /** Nothing but removed messages stands before this index. */
  #head = 0
  #count = 0
  #bytes = 0
  #lastSequence = 0

  /** The one of a predecessor, at a reset. It is not used any more, unless the reset is undone before this one is used. */
  static from(before: Pick<MessageQueue, 'handOver'>): MessageQueue {
    const queue = new MessageQueue()
    const { places, head, count, bytes, lastSequence } = before.handOver()
    queue.#places = places
    queue.#head = head
    queue.#count = count
    queue.#bytes = bytes
    queue.#lastSequence = lastSequence
    return queue
  }

  handOver(): QueueState {
    const { count, bytes, lastSequence } = this
    return { places: this.#places, head: this.#head, count, bytes, lastSequence }
  }

  /** How many messages there are. */
  get count(): number {
    return this.#count
  }

  /** What they cost to keep: the sum of `Message.size`. */
  get bytes(): number {
    return this.#bytes
  }

  /** The highest sequence number there ever was; 0 before the first. */
  get lastSequence(): number {
    return this.#lastSequence
  }

  /** Goes on behind this number, as a queue that was empty when it moved here does. */
  continueAfter(sequence: number): void {
    this.#lastSequence = Math.max(this.#lastSequence, sequence)
  }

  /** Adds a message where its sequence number belongs, or puts it in the place of the one with the same number. */
  put(queued: QueuedMessage): void {
    const { sequence } = queued
    const at = this.#seek(sequence)
    const found = this.#places[at]
    if (found === undefined) this.#places.push(queued)
    else if (sequenceOf(found) === sequence) this.#places[at] = queued
    else this.#places.splice(at, 0, queued)
    if (typeof found === 'object' && found.sequence === sequence) this.#bytes -= found.message.size
    else this.#count += 1
    this.#bytes += queued.message.size
    this.continueAfter(sequence)
  }

  /** The message with this number. */
  find(sequence: number): QueuedMessage | undefined {
    const found = this.#places[this.#seek(sequence)]
    return typeof found === 'object' && found.sequence === sequence ? found : undefined
  }

  /** Removes the message with this number; no harm if there is none. */
  remove(sequence: number): void {
    const at = this.#seek(sequence)
    const found = this.#places[at]
    if (typeof found !== 'object' || found.sequence !== sequence) return
    this.#places[at] = sequence
    this.#count -= 1
    this.#bytes -= found.message.size
    while (typeof this.#places[this.#head] === 'number') this.#head += 1
    if (this.#places.length - this.#count > this.#count + SPARE_PLACES) this.#compact()
  }

  /** The messages behind a number in their order, at most so many. */
  read(afterSequence: number, limit: number): QueuedMessage[] {
    const page: QueuedMessage[] = []
    const places = this.#places
    for (let at = this.#seek(afterSequence + 1); at < places.length && page.length < limit; at += 1) {
      const place = places[at]!
      if (typeof place === 'object') page.push(place)
    }
    return page
  }

  /** The index of the first place, at or behind the head, with this number or a higher one. */
  #seek(sequence: number): number {
    const places = this.#places
    let low = this.#head
    if (low === places.length) return low
    // Numbers only grow, so it is there at the latest; and just there when none is missing.
    const guess = low + sequence - sequenceOf(places[low]!)
    if (guess <= low) return low
    let high = Math.min(guess, places.length)
    if (high === guess && guess < places.length && sequenceOf(places[guess]!) === sequence) return guess
    while (low < high) {
      const middle = (low + high) >>> 1
      if (sequenceOf(places[middle]!) < sequence) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Closes the gaps. There are as many as messages by then, so that each removal pays for a place or two. */
  #compact(): void {
    this.#places = this.#places.filter((place) => typeof place === 'object')
    this.#head = 0
  }
}

/** What goes to the successor at a reset. */
export interface QueueState {
  readonly places: (QueuedMessage | number)[]
  readonly head: number
  readonly count: number
  readonly bytes: number
  readonly lastSequence: number
}

/** A message, or the sequence number of one that was removed. */
type Place = QueuedMessage | number

/** Gaps that are never worth closing: a queue that goes up and down by a few messages keeps its memory. */
const SPARE_PLACES = 32

const sequenceOf = (place: Place): number => (typeof place === 'number' ? place : place.sequence)
