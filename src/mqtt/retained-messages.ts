import { ArrivalOrder } from '../collections/arrival-order.ts'
import type { Message } from './message.ts'
import type { PackedMessage } from './packed-message.ts'
import { NearNode, RetainedNode, type TreeLevel } from './retained-node.ts'
import { RetainedSearch } from './retained-search.ts'
import { covers } from './topic-filter-sets.ts'

export interface RetainedLimits {
  /** Topics with a retained message. */
  readonly maximumMessages: number
  /** Their memory in bytes, the data structures included. */
  readonly maximumBytes: number
}

/**
 * The retained messages (section 3.3.1.3), at most one for each topic, in a tree by the levels of their topics.
 *
 * A level without branches that leads to a single message has no node of its own: it is part of the label of the next node. The
 * tree therefore has at most twice as many nodes as messages, and a topic of 65,535 slashes takes one node. All walks are
 * loops, so depth needs no stack.
 *
 * Expired messages are never returned. They leave memory by `removeExpired`, or when their topic gets another message.
 */
export class RetainedMessages {
  #limits: RetainedLimits
  readonly #root = new RetainedNode('')
  readonly #near = new NearNode(this.#root)
  /** Topics that were added to it or removed. */
  readonly #changes = { count: 0 }
  /** The nodes with a message, in the order in which their topics got their first message. */
  readonly #order = new ArrivalOrder<RetainedNode>()
  /** Those that expire, the longest retained first, */
  readonly #expiring = new Set<Message>()
  /** and how far the search among them has come. */
  #search: IterableIterator<Message> | undefined
  /** Those that count in no limit. */
  readonly #volatile = new Set<Message>()
  #count = 0
  #bytes = 0

  constructor(limits: RetainedLimits) {
    this.#limits = limits
  }

  /** Sets other limits. Messages over a limit that was lowered stay. @returns takes it back. */
  limit(limits: RetainedLimits): () => void {
    const before = this.#limits
    this.#limits = limits
    return () => {
      this.#limits = before
    }
  }

  /** Topics with a retained message, without volatile ones. Messages that have expired and are not removed yet count. */
  get count(): number {
    return this.#count
  }

  /** Topics with a volatile message. */
  get volatileCount(): number {
    return this.#volatile.size
  }

  /** Topics whose message has a Message Expiry Interval. */
  get expiring(): number {
    return this.#expiring.size
  }

  /** The memory of the messages, in bytes: their parts, the second copy of their topics in the tree, and the objects. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Keeps a message instead of any earlier one on its topic.
   * @param message kept, with a payload. For a message without a payload call `delete` [MQTT-3.3.1-6].
   * @param others bytes of other memory that counts within `maximumBytes`. @param otherGrowth what this message adds to it.
   * @returns false if there is no room for it. Nothing has changed then, and an earlier message stays.
   */
  set(message: Message, others = 0, otherGrowth = 0): boolean {
    const existing = this.#root.find(message.topic)?.message
    const counted = existing === undefined || this.#volatile.has(existing) ? undefined : existing
    const growth = retainedCost(message) - (counted === undefined ? 0 : retainedCost(counted))
    if (counted === undefined && this.#count >= this.#limits.maximumMessages) return false
    // A message that takes no more memory than its predecessor always fits, even if the limits were lowered.
    const allGrowth = growth + otherGrowth
    if (allGrowth > 0 && this.#bytes + others + allGrowth > this.#limits.maximumBytes) return false
    this.#keep(message, existing)
    if (counted === undefined) this.#count += 1
    this.#bytes += growth
    return true
  }

  /**
   * Keeps a message if its topic has none, as `set`. It looks the topic up once: a start adds millions of messages.
   * @param message kept, with a payload. @param others and @param otherGrowth as in `set`.
   * @returns what became of it: nothing has changed unless it was added.
   */
  add(message: Message, others = 0, otherGrowth = 0): AddResult {
    const cost = retainedCost(message)
    // The string is not kept: most of these messages are never delivered.
    const node = this.#nodeFor(message.decodeTopic(), cost, others + otherGrowth)
    if (typeof node === 'string') return node
    this.#fill(node, message, undefined)
    this.#bytes += cost
    return 'added'
  }

  /** The same for a packed message. It stays packed until it is asked for. */
  addPacked(message: PackedMessage, others = 0): AddResult {
    const cost = costOf(message.text.length, message.topicLength)
    const node = this.#nodeFor(message.topic, cost, others)
    if (typeof node === 'string') return node
    node.pack(message)
    this.#number(node)
    this.#bytes += cost
    return 'added'
  }

  /**
   * Keeps a message that counts in no limit instead of any earlier one on its topic. For messages of the broker itself, of which
   * there are few.
   * @param message kept, with a payload.
   */
  setVolatile(message: Message): void {
    const existing = this.#root.find(message.topic)?.message
    if (existing !== undefined && !this.#volatile.has(existing)) this.#uncount(existing)
    this.#keep(message, existing)
    this.#volatile.add(message)
  }

  /** Removes the message of a topic. @returns false when there was none. */
  delete(topic: string): boolean {
    const node = this.#root.find(topic)
    const message = node?.message
    if (node === undefined || message === undefined) return false
    node.message = undefined
    this.#order.remove(node.number)
    this.#root.prune(topic)
    this.#near.reset()
    this.#changes.count += 1
    this.#expiring.delete(message)
    if (!this.#volatile.delete(message)) this.#uncount(message)
    return true
  }

  /** Whether the message of a topic is volatile. */
  isVolatile(topic: string): boolean {
    if (this.#volatile.size === 0) return false
    const message = this.#root.find(topic)?.message
    return message !== undefined && this.#volatile.has(message)
  }

  /** Whether a topic has a message, expired or not. */
  has(topic: string): boolean {
    return this.#root.find(topic)?.hasMessage === true
  }

  /** The message of a topic. @param nowMs on the clock of `Message.expiresAtMs`. */
  get(topic: string, nowMs: number): Message | undefined {
    const message = this.#root.find(topic)?.message
    return message !== undefined && message.expiresAtMs > nowMs ? message : undefined
  }

  /** The message of the topic with this number. */
  at(number: number, nowMs: number): Message | undefined {
    const message = this.#order.get(number)?.message
    return message !== undefined && message.expiresAtMs > nowMs ? message : undefined
  }

  /**
   * Starts a search for the topics that match a Topic Filter. Its cost does not depend on other topics.
   * @param filter a legal Topic Filter, not `$share/...`.
   * @param maximum the search gives up if there are more. Use `walk` then.
   */
  search(filter: string, maximum: number): RetainedSearch {
    return new RetainedSearch(this.#root, filter, maximum, this.#changes)
  }

  /** The levels directly below a topic, in no special order. @param topic undefined for the first levels. */
  levels(topic: string | undefined): IterableIterator<TreeLevel> {
    return this.#root.levels(topic)
  }

  /** The number of the topic that got its first message last. The topic may be gone. */
  get lastNumber(): number {
    return this.#order.last
  }

  /**
   * Searches all topics in the order of their numbers, in parts, for those that match a Topic Filter. It is for searches that
   * `search` gives up. A topic keeps its number as long as it has a message, so it is found exactly once even if other topics
   * change.
   * @param after where the last part ended; 0 to begin.
   * @param last the number to end with.
   * @param limits how much to look at, a topic of usual length counting as one, and how many to find.
   */
  walk(
    filter: string,
    after: number,
    last: number,
    limits: { readonly looked: number; readonly found: number },
  ): WalkResult {
    const numbers: number[] = []
    let looked = 0
    const reached = this.#order.walk(after, last, limits.looked, ({ topic, number }) => {
      looked += 1 + (topic.length >> LONG_TOPIC_SHIFT)
      if (covers(filter, topic)) numbers.push(number)
      return numbers.length < limits.found && looked < limits.looked
    })
    return { numbers, reached, looked }
  }

  /**
   * Removes expired messages, a bounded number at a time: each call continues where the last one stopped, and starts again
   * after the last message.
   * @param nowMs on the clock of `Message.expiresAtMs`.
   * @param limit how many messages to look at; those that never expire do not count.
   * @returns those removed.
   */
  removeExpired(nowMs: number, limit: number): Message[] {
    const removed: Message[] = []
    for (let looked = 0; looked < limit; looked += 1) {
      this.#search ??= this.#expiring.values()
      const next = this.#search.next()
      if (next.done === true) {
        this.#search = undefined
        break
      }
      const message = next.value
      if (message.expiresAtMs > nowMs) continue
      this.delete(message.topic)
      removed.push(message)
    }
    return removed
  }

  /** A node without a message for a topic, or why there is none. It counts as one with a message. */
  #nodeFor(topic: string, cost: number, others: number): RetainedNode | 'has-message' | 'no-room' {
    const isFull = this.#count >= this.#limits.maximumMessages
    if (isFull || this.#bytes + others + cost > this.#limits.maximumBytes) {
      return this.has(topic) ? 'has-message' : 'no-room'
    }
    const node = this.#root.insert(topic, this.#near)
    if (node.hasMessage) return 'has-message'
    this.#count += 1
    return node
  }

  #keep(message: Message, replaced: Message | undefined): void {
    this.#fill(this.#root.insert(message.topic), message, replaced)
  }

  #fill(node: RetainedNode, message: Message, replaced: Message | undefined): void {
    node.message = message
    if (replaced === undefined) {
      this.#number(node)
    } else {
      this.#expiring.delete(replaced)
      this.#volatile.delete(replaced)
    }
    if (message.expiresAtMs !== Number.POSITIVE_INFINITY) this.#expiring.add(message)
  }

  /** The topic of a node has got its first message. */
  #number(node: RetainedNode): void {
    node.number = this.#order.add(node)
    this.#changes.count += 1
  }

  #uncount(message: Message): void {
    this.#count -= 1
    this.#bytes -= retainedCost(message)
  }
}

export type AddResult = 'added' | 'has-message' | 'no-room'

/** The result of `walk`. */
export interface WalkResult {
  /** The numbers of topics. */
  readonly numbers: readonly number[]
  /** The number to continue with. */
  readonly reached: number
  /** The number of topics examined. */
  readonly looked: number
}

/** A topic counts once more for each 128 characters: comparing them takes as long as finding a topic. */
const LONG_TOPIC_SHIFT = 7

/** Message, buffer, node and their entries in maps and in the order, in bytes; measured. */
const OVERHEAD_BYTES = 680

/** The cost of a retained message, in bytes. The topic is stored three times: in the message's bytes, as its string, and in the tree. */
export const retainedCost = (message: Message): number => costOf(message.size, message.topicEnd - message.topicStart)

const costOf = (size: number, topicLength: number): number => size + 2 * topicLength + OVERHEAD_BYTES
