import type { QoS } from 'mqtt-packet'
import type { Recipient } from '../../src/kinds/recipient.ts'
import type { TurnScheduler, TurnTask } from '../../src/kinds/turn-scheduler.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { NONE } from '../../src/mqtt/publish.ts'
import { type RetainedSearch, SearchState } from '../../src/mqtt/retained-search.ts'
import type { Subscription } from '../../src/mqtt/subscription.ts'
import type { BrokerConfig } from './config.ts'
import { deliveredQoS } from './delivered-qos.ts'
import type { Outbox } from './outbox.ts'
import type { Retained } from './retained.ts'

/** The parts of the broker that a replay of retained messages uses. */
export interface RetainedSenderContext {
  readonly config: BrokerConfig
  readonly retained: Retained
  readonly scheduler: TurnScheduler
  now(): number
}

/** The session that gets them. */
export interface RetainedSenderOwner {
  readonly recipient: Recipient | undefined
  readonly outbox: Outbox
  readonly hasEnded: boolean
}

/** Topics that are held for one client at a time: it may never read, and there may be many of them. */
const PAGE = 1_000

/** Nodes of the tree of topics, or topics, that are looked at in one step. */
const STEP = 1_000

// Units of work, measured: a search begins, a node of the tree or a topic is looked at, and a message is sent or queued.
const SEARCH_UNITS = 5
const NODE_UNITS = 1
const TOPIC_UNITS = 2
const MESSAGE_UNITS = 15
const QUEUED_UNITS = 15
/** The publisher of a message is asked about. */
const SOURCE_UNITS = 3

const PAGE_LIMITS = { looked: STEP, found: PAGE }

/**
 * Sends the client of one session the retained messages of its new subscriptions, as fast as it takes them: `#` may match a
 * million. They must not fill the memory or the queue of the session, and must not delay other clients (see `TurnScheduler`). A
 * message that changes meanwhile is sent in its new state. While the client is away, messages at QoS 1 and 2 go into the queue.
 */
export class RetainedSender implements TurnTask {
  readonly #session: RetainedSenderOwner
  readonly #broker: RetainedSenderContext
  /** Subscriptions whose turn is yet to come, by Topic Filter: as many as the session may hold. */
  readonly #subscriptions: Map<string, Subscription>
  // The one whose turn it is, with some of the topics that match it, by their numbers: messages would be kept alive when others
  // replace them.
  #current: Subscription | undefined
  #numbers: readonly number[] = []
  #position = 0
  /** The search for the topics that match. If it gives up, a walk through all topics finds one page after the other. */
  #search: RetainedSearch | undefined
  // How far that walk has come, and where it ends: a message that is retained later was not there when the client subscribed.
  #reached = 0
  #last = 0

  /** @param handed of the predecessor, at a reset. */
  constructor(session: RetainedSenderOwner, broker: RetainedSenderContext, handed?: RetainedSenderState) {
    this.#session = session
    this.#broker = broker
    this.#subscriptions = new Map(handed?.subscriptions)
    if (handed === undefined) return
    this.#current = handed.current
    this.#numbers = handed.numbers
    this.#position = handed.position
    this.#search = handed.search
    this.#reached = handed.reached
    this.#last = handed.last
    if (handed.isQueued) broker.scheduler.later(this)
  }

  /** For a successor. Changes nothing. */
  handOver(): RetainedSenderState {
    return {
      subscriptions: this.#subscriptions,
      current: this.#current,
      numbers: this.#numbers,
      position: this.#position,
      search: this.#search,
      reached: this.#reached,
      last: this.#last,
      isQueued: this.#broker.scheduler.isQueued(this),
    }
  }

  /** Adds a subscription that gets retained messages. */
  add(subscription: Subscription): void {
    this.remove(subscription.filter)
    this.#subscriptions.set(subscription.filter, subscription)
  }

  /** The subscription with this filter gets no more. */
  remove(filter: string): void {
    this.#subscriptions.delete(filter)
    if (this.#current?.filter === filter) this.#finish()
  }

  /** Sends what the client takes now, or fills the queue while it is away. */
  pump(): void {
    if (!this.#isBusy) return
    const { retained } = this.#broker
    if (retained.isRestoring) {
      retained.afterRestore(this)
      return
    }
    const { recipient: client } = this.#session
    if (client === undefined) this.#enqueue()
    else this.#send(client)
  }

  resume(): void {
    this.pump()
  }

  #send(client: Recipient): void {
    const { outbox } = this.#session
    while (client.sendable && this.#isBusy && this.#broker.scheduler.mayGoOn(this)) {
      const message = this.#peek()
      if (message === undefined) continue
      const qos = this.#qosOf(message)
      if (qos > 0 && !outbox.takes(qos)) return
      this.#advance(message, qos)
      const identifiers = this.#identifiers
      // RETAIN is 1: it is sent because of a new subscription (section 3.3.1.3).
      if (qos === 0) client.deliverQoS0(message, true, identifiers)
      else outbox.add(message, qos, true, identifiers)
    }
  }

  #enqueue(): void {
    const session = this.#session
    const { scheduler } = this.#broker
    while (this.#isBusy && !session.hasEnded && scheduler.mayGoOn(this)) {
      const message = this.#peek()
      if (message === undefined) continue
      const qos = this.#qosOf(message)
      this.#advance(message, qos)
      if (qos > 0) session.outbox.add(message, qos, true, this.#identifiers)
    }
  }

  get #isBusy(): boolean {
    return this.#current !== undefined || this.#subscriptions.size > 0
  }

  get #identifiers(): readonly number[] {
    const identifier = this.#current?.identifier ?? 0
    return identifier === 0 ? NONE : [identifier]
  }

  #qosOf(message: Message): QoS {
    const granted = this.#current?.qos ?? 0
    return deliveredQoS(message.qos, granted, this.#broker.config)
  }

  /**
   * The message on the topic at `#position` as it is now; undefined when there is none that may be delivered, or when the search for more topics,
   * or for those of the next subscription, was all that there was to do.
   */
  #peek(): Message | undefined {
    const { retained, scheduler } = this.#broker
    if (this.#position < this.#numbers.length) {
      const message = retained.messages.at(this.#numbers[this.#position]!, this.#broker.now())
      if (retained.checksSource) scheduler.spend(SOURCE_UNITS)
      if (message !== undefined && retained.mayDeliver(message)) return message
      this.#position += 1
      scheduler.spend(TOPIC_UNITS)
      return undefined
    }
    if (this.#search !== undefined) this.#goOnSearching(this.#search)
    else if (this.#reached < this.#last) this.#nextPage()
    else {
      this.#finish()
      const next = this.#subscriptions.values().next()
      if (next.done !== true) this.#begin(next.value)
    }
    return undefined
  }

  #begin(subscription: Subscription): void {
    const { retained, scheduler } = this.#broker
    this.#current = subscription
    this.#subscriptions.delete(subscription.filter)
    this.#search = retained.messages.search(subscription.filter, PAGE)
    this.#last = retained.messages.lastNumber
    this.#reached = this.#last
    scheduler.spend(SEARCH_UNITS)
  }

  /** Searches the tree of topics, which is fast if few topics match. */
  #goOnSearching(search: RetainedSearch): void {
    this.#broker.scheduler.spend(search.step(STEP) * NODE_UNITS)
    if (search.state === SearchState.Going) return
    this.#search = undefined
    if (search.state === SearchState.Done) this.#numbers = search.numbers
    else this.#reached = 0
  }

  /** Finds the next page of matches in the list of all topics, where a position stays valid. */
  #nextPage(): void {
    const { retained, scheduler } = this.#broker
    const { filter } = this.#current!
    const { numbers, reached, looked } = retained.messages.walk(filter, this.#reached, this.#last, PAGE_LIMITS)
    this.#numbers = numbers
    this.#position = 0
    this.#reached = reached
    scheduler.spend(1 + looked * TOPIC_UNITS)
  }

  /** The message at `#position` is sent or queued. */
  #advance({ size }: Message, qos: QoS): void {
    this.#position += 1
    this.#broker.scheduler.spend(MESSAGE_UNITS + (qos > 0 ? QUEUED_UNITS : 0) + (size >> 10))
  }

  #finish(): void {
    this.#current = undefined
    this.#search = undefined
    this.#numbers = []
    this.#position = 0
    this.#reached = 0
    this.#last = 0
  }
}

export interface RetainedSenderState {
  readonly subscriptions: ReadonlyMap<string, Subscription>
  readonly current: Subscription | undefined
  readonly numbers: readonly number[]
  readonly position: number
  readonly search: RetainedSearch | undefined
  readonly reached: number
  readonly last: number
  /** Whether it was to be continued in a later turn: otherwise the client takes no more at present. */
  readonly isQueued: boolean
}
