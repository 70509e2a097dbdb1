import { hashOfBytes } from '../collections/hash.ts'
import type { Message } from './message.ts'
import type { Route } from './route.ts'
import type { Delivery } from './subscriber.ts'
import { hasWildcard } from './topic-trie.ts'

/**
 * Remembers the routes of topics by the bytes of the Topic Name, so that the messages of a busy topic need neither a string
 * nor the trie. Nothing is allocated for a message whose route is found.
 *
 * It is a table of fixed size in which a topic has two places, side by side. Whoever makes topics collide on purpose, or
 * publishes to ever new ones, makes it useless to them and no slower than the trie. A topic that finds both places taken
 * gets one when it comes for the second time, so that many topics without repeats do not push out the busy ones.
 *
 * A change of a filter without wildcards forgets the route of that one topic. One with wildcards may touch any number of
 * topics, and forgets them all: at once, since what is only marked as out of date would keep sessions in memory.
 */
export class RouteCache {
  /** The hashes of the topics in the table, `EMPTY` elsewhere: a topic that is not there is known by these alone. */
  readonly #hashes = new Int32Array(PLACES)
  readonly #entries: (Entry | undefined)[] = new Array(PLACES).fill(undefined)
  /** At the first place of a topic: the hash of the one that last came without getting a place. */
  readonly #refused = new Int32Array(PLACES)
  /** All places that were taken since the table was empty: clearing it costs what filling it did, and no more. */
  readonly #taken: number[] = []
  /** What all routes of the table weigh. */
  #weight = 0
  #changes = 0

  /** Changes of subscriptions so far: a route that was begun before the last one is not remembered. */
  get changes(): number {
    return this.#changes
  }

  /** The route of the message's topic, as all changes up to now make it; undefined when it is not here. */
  find(message: Message): Route | undefined {
    const { bytes, topicStart, topicEnd } = message
    if (topicEnd - topicStart > MAXIMUM_TOPIC_BYTES) return undefined
    const hash = hashOf(bytes, topicStart, topicEnd)
    const place = placeOf(hash)
    if (this.#hashes[place] === hash) {
      const entry = this.#entries[place]!
      if (isFor(entry, message)) return entry.route
    }
    if (this.#hashes[place ^ 1] === hash) {
      const entry = this.#entries[place ^ 1]!
      if (isFor(entry, message)) return entry.route
    }
    return undefined
  }

  /** Remembers the route of the message's topic, if it is worth it. `find` did not find it, and nothing changed since. */
  remember(message: Message, route: Route): void {
    const { bytes, topicStart, topicEnd } = message
    if (topicEnd - topicStart > MAXIMUM_TOPIC_BYTES) return
    const hash = hashOf(bytes, topicStart, topicEnd)
    const place = placeOf(hash)
    const free = this.#hashes[place] === EMPTY ? place : place ^ 1
    const isTaken = this.#hashes[free] !== EMPTY
    if (isTaken && this.#refused[place] !== hash) {
      this.#refused[place] = hash
      return
    }
    const weight = weightOf(route)
    if (weight > HEAVIEST_ROUTE) return
    // Of the two that are there, the one that has waited longer goes.
    if (isTaken) this.#put(free, this.#hashes[place]!, this.#entries[place])
    this.#put(isTaken ? place : free, hash, { topic: bytesAsText(message), route, weight })
  }

  /** Forgets what a change of the subscriptions to a filter makes wrong. @param filter not `$share/...`. */
  changed(filter: string): void {
    this.#changes += 1
    if (this.#taken.length === 0) return
    if (hasWildcard(filter)) {
      this.#clear()
      return
    }
    // A filter this long is the topic of no entry: text has at least as many bytes as characters.
    if (filter.length > MAXIMUM_TOPIC_BYTES) return
    const bytes = Buffer.from(filter)
    const hash = hashOf(bytes, 0, bytes.length)
    const place = placeOf(hash)
    if (this.#hashes[place] === hash) this.#put(place, EMPTY, undefined)
    if (this.#hashes[place ^ 1] === hash) this.#put(place ^ 1, EMPTY, undefined)
  }

  #put(place: number, hash: number, entry: Entry | undefined): void {
    const before = this.#entries[place]
    const weight = this.#weight + (entry?.weight ?? 0) - (before?.weight ?? 0)
    if (weight > MAXIMUM_WEIGHT || this.#taken.length === PLACES) {
      this.#clear()
      this.#weight = entry?.weight ?? 0
    } else {
      this.#weight = weight
    }
    if (this.#entries[place] === undefined && entry !== undefined) this.#taken.push(place)
    this.#hashes[place] = hash
    this.#entries[place] = entry
  }

  #clear(): void {
    for (const place of this.#taken) {
      this.#hashes[place] = EMPTY
      this.#entries[place] = undefined
    }
    this.#taken.length = 0
    this.#weight = 0
  }
}

interface Entry {
  /** The bytes of the Topic Name, a character for each. */
  readonly topic: string
  readonly route: Route
  readonly weight: number
}

/** A power of two. With a route of one subscriber each, a full table takes some 10 MB. */
const PLACES = 32_768
/** Longer topics have no route here: they would cost more to compare, and more to keep. */
const MAXIMUM_TOPIC_BYTES = 256
/** What all routes hold together: subscribers, at 8 bytes, or some 150 where they had to be merged, and identifiers. */
const MAXIMUM_WEIGHT = 524_288
/** A route of more subscribers would push out all others; beside serving them, finding it costs nothing. */
const HEAVIEST_ROUTE = MAXIMUM_WEIGHT / 8

/** Subscribers, and the Subscription Identifiers of those who have several: one may have thousands on one topic. */
const weightOf = ({ targets, shared }: Route): number => {
  let weight = targets.length + shared.length
  if (weight > HEAVIEST_ROUTE) return weight
  for (const { delivery, own } of targets) {
    weight += listWeight(delivery)
    if (own !== undefined && own !== delivery) weight += listWeight(own)
  }
  return weight
}

/** A single identifier stands in the list of its subscription. */
const listWeight = ({ subscriptionIdentifiers: { length } }: Delivery): number => (length > 1 ? length : 0)

/** The hash that no topic has. */
const EMPTY = 0

const hashOf = (bytes: Uint8Array, start: number, end: number): number => hashOfBytes(bytes, start, end) || 1

const placeOf = (hash: number): number => (hash ^ (hash >>> 15)) & (PLACES - 1)

const isFor = ({ topic }: Entry, { bytes, topicStart, topicEnd }: Message): boolean => {
  if (topic.length !== topicEnd - topicStart) return false
  for (let index = 0; index < topic.length; index += 1) {
    if (topic.charCodeAt(index) !== bytes[topicStart + index]) return false
  }
  return true
}

/** For a topic in ASCII that is the topic, which the message has made a string of already. */
const bytesAsText = (message: Message): string => {
  const { topic, bytes, topicStart, topicEnd } = message
  return topic.length === topicEnd - topicStart ? topic : bytes.toString('latin1', topicStart, topicEnd)
}
