import type { QoS } from 'mqtt-packet'
import type { Identity } from '../../src/kinds/authorizer.ts'
import type { Delivery, Subscriber } from '../../src/kinds/router.ts'
import type { SessionRecord, StoredSession, StoredWill } from '../../src/kinds/store.ts'
import type { Watch } from '../../src/mqtt/keep-alive.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import { type Subscription, sharedFilter } from '../../src/mqtt/subscription.ts'
import type { Client } from './client.ts'
import { inflightLimits, NEVER_EXPIRES } from './config.ts'
import type { MqttHandler } from './mqtt-handler.ts'
import { Outbox } from './outbox.ts'
import { type Payer, publishWill } from './publishing.ts'
import { RetainedSender } from './retained-sender.ts'
import { subscriptionCost, wildcardLevels } from './subscription-cost.ts'
import { UnreleasedMessages } from './unreleased-messages.ts'
import { willCost, willMessage } from './will.ts'

/** The work of a delivery at QoS 1 or 2, in units: to a client that is connected, and to the queue of one that is away. */
const CONNECTED_UNITS = 10
const AWAY_UNITS = 17

/**
 * The Session State of a client (section 4.1): what outlives its network connections, as long as its Session Expiry
 * Interval says. It is the subscriber that the router knows.
 */
export class Session implements Subscriber {
  readonly id: string
  /** The authenticated user that it belongs to; undefined when nobody proved who they are. */
  readonly owner: string | undefined
  readonly #handler: MqttHandler

  /** By Topic Filter; undefined when it never had any: half of all clients only publish. */
  #subscriptions: Map<string, Subscription> | undefined
  #shared: Set<string> | undefined
  #wildcardLevels = 0
  /** Messages at QoS 1 and 2 for the client. */
  readonly outbox: Outbox
  /** Messages at QoS 2 from the client. */
  readonly unreleased: UnreleasedMessages
  /** A message of the client is being published, and PUBREC is to leave before the session is sent its own copy. */
  #answersFirst = false
  /** How the session gets this copy. */
  #ownDelivery: Delivery | undefined
  /** Retained messages that the client is yet to be sent; undefined when there never were any. */
  #retained: RetainedSender | undefined

  /** The client while it is connected. */
  #client: Client | undefined
  /** Who it was when it was last connected. */
  #identity: Identity
  #expiryIntervalSeconds = 0
  #disconnectedAtMs: number | undefined
  /** Its subscriptions leave the router over the next turns. */
  #ended = false

  #will: StoredWill | undefined
  #willRefused = false
  /** Until the Will Delay Interval is over, and until the session is. */
  #willWatch: Watch<Session> | undefined
  #expiryWatch: Watch<Session> | undefined

  constructor(id: string, owner: string | undefined, identity: Identity, handler: MqttHandler) {
    this.id = id
    this.owner = owner
    this.#identity = identity
    this.#handler = handler
    this.outbox = new Outbox(this, handler)
    this.unreleased = new UnreleasedMessages(this, handler)
  }

  /** By Topic Filter. */
  get subscriptions(): ReadonlyMap<string, Subscription> {
    return this.#subscriptions ?? NO_SUBSCRIPTIONS
  }

  get client(): Client | undefined {
    return this.#client
  }

  get connected(): boolean {
    return this.#client !== undefined
  }

  get identity(): Identity {
    return this.#identity
  }

  get unacknowledged(): number {
    return this.outbox.inflight + this.outbox.waiting
  }

  /** Whether it outlives the connection, and so is in the store. */
  get persistent(): boolean {
    return this.#expiryIntervalSeconds > 0
  }

  get expiryIntervalSeconds(): number {
    return this.#expiryIntervalSeconds
  }

  get will(): StoredWill | undefined {
    return this.#will
  }

  /** Whether the Will of its last connection was due and not accepted. */
  get willRefused(): boolean {
    return this.#willRefused
  }

  /** When its client disconnected; 0 while it is connected. */
  get disconnectedAtMs(): number {
    return this.#disconnectedAtMs ?? 0
  }

  /** What its Will costs, in bytes. */
  get willCost(): number {
    return willCost(this.#will)
  }

  /**
   * Whether it has no subscription, message, Packet Identifier or Will: its client loses nothing when it ends. A message from the
   * client that is on its way to subscribers may leave a Packet Identifier.
   */
  get holdsNothing(): boolean {
    const { outbox, subscriptions, unreleased } = this
    if (this.#handler.publications.isBusy(this.id)) return false
    const held = subscriptions.size + unreleased.size + unreleased.refused + outbox.inflight + outbox.waiting
    return this.#will === undefined && held === 0
  }

  /** Levels of all its Topic Filters with wildcards together: the cost of them for publishers. */
  get wildcardLevels(): number {
    return this.#wildcardLevels
  }

  get retained(): RetainedSender | undefined {
    return this.#retained
  }

  /** Filters of its Shared Subscriptions; undefined when it never had any. */
  get shared(): ReadonlySet<string> | undefined {
    return this.#shared
  }

  takes(qos: QoS): boolean {
    return this.#client?.sendable === true && (qos === 0 || this.outbox.takes(qos))
  }

  deliver(message: Message, delivery: Delivery): number {
    if (this.#ended) {
      const { shared } = delivery
      return shared === undefined ? 1 : 1 + this.#handler.due.endedSessions.passOn(message, shared, this)
    }
    const qos = message.qos < delivery.qos ? message.qos : delivery.qos // [MQTT-3.8.4-8]
    if (this.#answersFirst && this.#defers(message, qos, delivery)) return CONNECTED_UNITS
    const retain = message.retain && delivery.retainAsPublished // [MQTT-3.3.1-12] [MQTT-3.3.1-13]
    if (qos === 0) {
      this.#client?.deliverQoS0(message, retain, delivery.subscriptionIdentifiers)
      return 1
    }
    this.outbox.add(message, qos, retain, delivery.subscriptionIdentifiers, delivery.shared)
    return this.#client === undefined ? AWAY_UNITS : CONNECTED_UNITS
  }

  /** A message of the client is published now: `deliverOwn` follows when it is answered. */
  answerFirst(): void {
    this.#answersFirst = true
  }

  /** The client has its answer: it gets its own copy of the message, if it is to have one. */
  deliverOwn(message: Message): void {
    this.#answersFirst = false
    const delivery = this.#ownDelivery
    if (delivery === undefined) return
    this.#ownDelivery = undefined
    this.deliver(message, delivery)
  }

  deliverRun(run: PublishRun, delivery: Delivery): boolean {
    if (run.message.qos > 0) {
      if (this.#ended || delivery.qos === 0 || delivery.shared !== undefined) return false
      return this.outbox.addRun(run, delivery.subscriptionIdentifiers)
    }
    return this.#client?.deliverRun(run, delivery.subscriptionIdentifiers) ?? true
  }

  /**
   * A connection of the client begins. The Will of the one before is deleted unpublished [MQTT-3.1.3-9]; a Will that was due was
   * published before (`Sessions.settle`).
   * @param receiveMaximum of the client.
   */
  attach(client: Client, expiryIntervalSeconds: number, will: StoredWill | undefined, receiveMaximum: number): void {
    this.#stopWatching()
    this.#handler.sessions.away.delete(this)
    this.#client = client
    this.#handler.sharedBacklogs.remove(this)
    const work = this.#handler.router.connectionChanged(this)
    if (work > 0) client.connection.chargeWork(work)
    this.#identity = client.identity
    this.#setWill(will)
    this.#willRefused = false
    this.#disconnectedAtMs = undefined
    this.#answersFirst = false
    this.#ownDelivery = undefined
    this.unreleased.attach(client.isVersion5)
    this.outbox.attach(receiveMaximum, inflightLimits(this.#handler.config, client.isVersion5))
    this.setExpiryInterval(expiryIntervalSeconds)
  }

  /** Sets the Session Expiry Interval, in seconds: from CONNECT, or from DISCONNECT at last. */
  setExpiryInterval(seconds: number): void {
    const wasPersistent = this.persistent
    if (wasPersistent && seconds === 0) {
      this.outbox.leaveStore()
      this.#handler.journal.append({ type: 'session-ended', session: this.id })
    }
    this.#expiryIntervalSeconds = seconds
    this.#save()
  }

  /** The client sent DISCONNECT: its Will is deleted [MQTT-3.14.4-3]. @returns whether there was one. */
  deleteWill(): boolean {
    const existed = this.#will !== undefined
    this.#setWill(undefined)
    return existed
  }

  /** The connection is gone. The session waits for the next one, or ends. */
  detach(): void {
    this.#client = undefined
    this.#handler.router.connectionChanged(this)
    if (!this.persistent) {
      this.#handler.sessions.end(this)
      return
    }
    this.outbox.detach()
    this.#handler.sharedBacklogs.add(this)
    this.#handler.sharedBacklogs.offer(this)
    this.#retained?.pump()
    this.#disconnectedAtMs = this.#handler.now()
    this.#save()
    this.awaitClient()
  }

  /** Takes over what the store holds. It counts as disconnected now if the process ended over its connection. */
  restore(stored: StoredSession): void {
    const nowMs = this.#handler.now()
    this.#expiryIntervalSeconds = stored.expiryIntervalSeconds
    this.#setWill(stored.will)
    this.#disconnectedAtMs = stored.disconnectedAtMs ?? nowMs
    for (const subscription of stored.subscriptions) {
      this.#keep(subscription)
      this.#handler.router.subscribe(this, subscription)
    }
    this.unreleased.restore(stored.received)
    this.outbox.restore(stored.queue)
    this.#handler.sharedBacklogs.add(this)
    if (stored.disconnectedAtMs === undefined) this.#save()
  }

  /** Without a client from now on: the session ends, and its Will is published, when their time has come. */
  awaitClient(): void {
    const sinceMs = this.#disconnectedAtMs ?? this.#handler.now()
    // At least a millisecond is left: 0 would be no limit.
    const left = (seconds: number) => Math.max(1, sinceMs + seconds * 1000 - this.#handler.now())
    if (this.#expiryIntervalSeconds !== NEVER_EXPIRES) {
      const leftMs = left(this.#expiryIntervalSeconds)
      this.#expiryWatch = this.#handler.sessions.expiry.watch(this, leftMs, performance.now())
    }
    this.#handler.sessions.away.add(this)
    if (this.#will === undefined) return
    if (this.#will.delaySeconds === 0) this.#handler.due.wills.add(this)
    else {
      const leftMs = left(this.#will.delaySeconds)
      this.#willWatch = this.#handler.sessions.willDelay.watch(this, leftMs, performance.now())
    }
  }

  /** Adds or replaces a subscription. @returns whether there was one with its filter. */
  subscribe(subscription: Subscription): boolean {
    this.#keep(subscription)
    const existed = this.#handler.router.subscribe(this, subscription) // [MQTT-3.8.4-3]
    if (this.persistent) this.#handler.journal.append({ type: 'subscribed', session: this.id, subscription })
    return existed
  }

  /** A new subscription gets the retained messages that match it, from the next `outbox.pump` on. */
  sendRetained(subscription: Subscription): void {
    // Most brokers retain little: without anything to look for, a subscription costs no search and no memory for one.
    if (this.#handler.retained.messages.count === 0) return
    this.#retained ??= new RetainedSender(this, this.#handler)
    this.#retained.add(subscription)
  }

  /** Ends a subscription. What is on its way is still delivered [MQTT-3.10.4-3]. @returns false when there was none. */
  unsubscribe(filter: string): boolean {
    if (this.#subscriptions?.delete(filter) !== true) return false
    this.#handler.totals.subscriptionBytes -= subscriptionCost(filter)
    this.#wildcardLevels -= wildcardLevels(filter)
    this.#shared?.delete(filter)
    this.#handler.router.unsubscribe(this, filter)
    if (this.persistent) this.#handler.journal.append({ type: 'unsubscribed', session: this.id, filter })
    return true
  }

  /** Publishes the Will, if there is one: it is due. @param payer is charged for the work. */
  publishWill(payer: Payer): void {
    const will = this.#will
    if (will === undefined) return
    this.#setWill(undefined) // [MQTT-3.1.2-10]
    this.#save()
    if (!this.#ended && this.#client === undefined) this.#handler.sessions.away.add(this)
    this.#willRefused = !publishWill(this.#handler, willMessage(will, this.#handler.now()), this, payer)
  }

  /** Ends the session. Called by `Sessions.end`, which handles its Will. What the session holds is released over turns. */
  end(): void {
    this.#stopWatching()
    this.#ended = true
    this.#handler.sharedBacklogs.remove(this)
    this.#wildcardLevels = 0
    this.#shared = undefined
    if (this.persistent) {
      // Its messages are in the store, which is about to forget them.
      this.releaseMessages()
      this.#handler.journal.append({ type: 'session-ended', session: this.id })
    }
    this.unreleased.end()
    this.#expiryIntervalSeconds = 0
    this.#handler.due.endedSessions.add(this)
  }

  /** The session has ended, and all its subscriptions have left the router. */
  forgetSubscriptions(): void {
    this.#subscriptions = undefined
  }

  /** The session has ended: its messages are discarded, or go to other members of Shared Subscriptions. */
  releaseMessages(): void {
    const nowMs = this.#handler.now()
    for (const { message, shared } of this.outbox.end()) {
      // Another member has got nothing of it yet [MQTT-3.3.2-5].
      if (message!.expiresAtMs > nowMs) this.#handler.router.redeliver(message!, shared!, this)
    }
  }

  /**
   * Notes how the session is to get a message that its client publishes. Only for one that it would be sent at once: a copy
   * that has to wait follows the answer in any case, and one that is refused is a part of the answer.
   */
  #defers(message: Message, qos: QoS, delivery: Delivery): boolean {
    if (this.#ownDelivery !== undefined || this.#client === undefined) return false
    if (qos > 0 && !this.outbox.sends(message, qos, delivery.shared)) return false
    this.#ownDelivery = delivery
    return true
  }

  #keep(subscription: Subscription): void {
    const { filter } = subscription
    if (!this.subscriptions.has(filter)) {
      this.#handler.totals.subscriptionBytes += subscriptionCost(filter)
      this.#wildcardLevels += wildcardLevels(filter)
      if (sharedFilter(filter) !== undefined) {
        this.#shared ??= new Set()
        this.#shared.add(filter)
      }
    }
    this.#subscriptions ??= new Map()
    this.#subscriptions.set(filter, subscription)
  }

  #setWill(will: StoredWill | undefined): void {
    const { totals } = this.#handler
    const more = willCost(will) - willCost(this.#will)
    totals.willBytes += more
    totals.queuedBytes += more
    this.#will = will
  }

  #stopWatching(): void {
    if (this.#expiryWatch !== undefined) this.#handler.sessions.expiry.cancel(this.#expiryWatch)
    if (this.#willWatch !== undefined) this.#handler.sessions.willDelay.cancel(this.#willWatch)
    this.#expiryWatch = undefined
    this.#willWatch = undefined
  }

  #save(): void {
    if (!this.persistent) return
    const session: SessionRecord = {
      id: this.id,
      userName: this.owner,
      peer: this.#identity.peer,
      expiryIntervalSeconds: this.#expiryIntervalSeconds,
      disconnectedAtMs: this.#disconnectedAtMs,
      will: this.#will,
    }
    this.#handler.journal.append({ type: 'session', session })
  }
}

const NO_SUBSCRIPTIONS: ReadonlyMap<string, Subscription> = new Map()
