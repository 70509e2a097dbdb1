import { hashOfBytes } from '../collections/hash.ts'
import type { Message } from './message.ts'
import type { Route } from './route.ts'
import type { Delivery } from './subscriber.ts'
import { hasWildcard } from './topic-trie.ts'

/**
 * Remembers the routes of topics by the bytes of the Topic Name, so that messages of a busy topic need no string and no search
 * in the trie. Nothing is allocated for a message whose route is found.
 *
 * It is a table of fixed size in which a topic has two places, side by side. A client that makes topics collide on purpose, or
 * always publishes to new topics, gains nothing from the table, and its messages cost no more than a search in the trie. If
 * both places are taken, a topic gets one when it comes for the second time, so that many topics without repeats do not replace
 * the busy ones.
 *
 * A change of a filter without wildcards removes the route of that topic. A change of a filter with wildcards may concern any
 * number of topics and removes all routes at once, since routes that are only marked as outdated would keep sessions in memory.
 */
export class RouteCache {
  /** The hashes of the topics in the table, `EMPTY` elsewhere: they are enough to find that a topic is not in the table. */
  readonly #hashes = new Int32Array(PLACES)
  readonly #entries: (Entry | undefined)[] = new Array(PLACES).fill(undefined)
  /** At the first place of a topic: the hash of the topic that last got no place. */
  readonly #refused = new Int32Array(PLACES)
  /** All places that were taken since the table was empty: clearing the table costs as much as filling it did. */
  readonly #taken: number[] = []
  /** The size of all routes in the table. */
  #weight = 0
  #changes = 0

  /** Changes of subscriptions so far: a route that was begun before the last one is not remembered. */
  get changes(): number {
    return this.#changes
  }

  /** The current route of the message's topic; undefined if it is not in the table. */
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

  /** Adds the route of the message's topic, if it may take a place. `find` did not find it, and nothing changed since. */
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
    // The older of the two entries is replaced.
    if (isTaken) this.#put(free, this.#hashes[place]!, this.#entries[place])
    this.#put(isTaken ? place : free, hash, { topic: bytesAsText(message), route, weight })
  }

  /** Removes the routes that a change of the subscriptions to a filter makes wrong. @param filter not `$share/...`. */
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

  /** Removes all routes. */
  clear(): void {
    this.#changes += 1
    this.#clear()
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
/** Longer topics are not added: they would cost more to compare and to keep. */
const MAXIMUM_TOPIC_BYTES = 256
/** What all routes hold together: subscribers, at 8 bytes, or some 150 where they had to be merged, and identifiers. */
const MAXIMUM_WEIGHT = 524_288
/**
 * A route with more subscribers is not added: it would replace all others. Finding it costs little compared with the
 * deliveries.
 */
const HEAVIEST_ROUTE = MAXIMUM_WEIGHT / 8

/** Subscribers, and the Subscription Identifiers of subscribers with several. A subscriber may have thousands for one topic. */
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
