import type { QoS } from 'mqtt-packet'
import type { Identity } from '../../src/kinds/authorizer.ts'
import type { Delivery, Subscriber } from '../../src/kinds/router.ts'
import type { SessionRecord, StoredSession, StoredWill } from '../../src/kinds/store.ts'
import type { Watch } from '../../src/mqtt/keep-alive.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import { type Subscription, sharedFilter } from '../../src/mqtt/subscription.ts'
import type { Client } from './client.ts'
import { NEVER_EXPIRES } from './config.ts'
import type { MqttHandler } from './mqtt-handler.ts'
import { Outbox } from './outbox.ts'
import { publishWill } from './publishing.ts'
import { RetainedSender } from './retained-sender.ts'
import { subscriptionCost, wildcardLevels } from './subscription-cost.ts'
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

  /** By Topic Filter. */
  readonly subscriptions = new Map<string, Subscription>()
  #shared: Set<string> | undefined
  #wildcardLevels = 0
  /** Messages at QoS 1 and 2 for the client. */
  readonly outbox: Outbox
  /** Packet Identifiers of the client's QoS 2 messages that it has not released. */
  readonly received = new Set<number>()
  /**
   * Packet Identifiers of QoS 2 messages that were refused since a queue was full, when other subscribers had got them: with
   * DUP it is the same message, which nobody is to get twice. Without, the identifier is in use anew [MQTT-4.3.3-9]. Not in
   * the store.
   */
  refused: Set<number> | undefined
  /** Retained messages that the client is yet to be sent; undefined when there never were any. */
  #retained: RetainedSender | undefined

  /** The client while it is connected. */
  #client: Client | undefined
  /** Who it was when it was last connected. */
  #identity: Identity
  #expiryIntervalSeconds = 0
  #disconnectedAtMs: number | undefined

  #will: StoredWill | undefined
  /** Until the Will Delay Interval is over, and until the session is. */
  #willWatch: Watch<Session> | undefined
  #expiryWatch: Watch<Session> | undefined

  constructor(id: string, owner: string | undefined, identity: Identity, handler: MqttHandler) {
    this.id = id
    this.owner = owner
    this.#identity = identity
    this.#handler = handler
    this.outbox = new Outbox(this, handler)
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

  /** What its Will costs, in bytes. */
  get willCost(): number {
    return willCost(this.#will)
  }

  /** Levels of all its Topic Filters with wildcards together: what they cost whoever publishes. */
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
    return this.#client?.sendable === true && (qos === 0 || this.outbox.idle)
  }

  deliver(message: Message, delivery: Delivery): number {
    const qos = message.qos < delivery.qos ? message.qos : delivery.qos // [MQTT-3.8.4-8]
    const retain = message.retain && delivery.retainAsPublished // [MQTT-3.3.1-12] [MQTT-3.3.1-13]
    if (qos === 0) {
      this.#client?.deliverQoS0(message, retain, delivery.subscriptionIdentifiers)
      return 1
    }
    this.outbox.add(message, qos, retain, delivery.subscriptionIdentifiers, delivery.shared)
    return this.#client === undefined ? AWAY_UNITS : CONNECTED_UNITS
  }

  deliverRun(run: PublishRun, delivery: Delivery): boolean {
    return this.#client?.deliverRun(run, delivery.subscriptionIdentifiers) ?? true
  }

  /**
   * A connection of the client begins; the Will of the one before is deleted unpublished [MQTT-3.1.3-9].
   * @param receiveMaximum of the client.
   */
  attach(client: Client, expiryIntervalSeconds: number, will: StoredWill | undefined, receiveMaximum: number): void {
    this.#stopWatching()
    this.#client = client
    this.#handler.sharedBacklogs.remove(this)
    const work = this.#handler.router.connectionChanged(this)
    if (work > 0) client.connection.chargeWork(work)
    this.#identity = client.identity
    this.#setWill(will)
    this.#disconnectedAtMs = undefined
    this.outbox.attach(receiveMaximum)
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

  /** The client said goodbye: its Will is deleted [MQTT-3.14.4-3]. */
  deleteWill(): void {
    this.#setWill(undefined)
  }

  /** The connection is gone. The session waits for the next one, or ends. */
  detach(): void {
    this.#client = undefined
    if (!this.persistent) {
      this.#handler.sessions.end(this)
      return
    }
    this.#handler.router.connectionChanged(this)
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
    for (const packetIdentifier of stored.received) this.received.add(packetIdentifier)
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
      this.#expiryWatch = this.#handler.sessions.expiry.watch(this, left(this.#expiryIntervalSeconds))
    }
    if (this.#will === undefined) return
    if (this.#will.delaySeconds === 0) this.publishWill()
    else this.#willWatch = this.#handler.sessions.willDelay.watch(this, left(this.#will.delaySeconds))
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
    if (!this.subscriptions.delete(filter)) return false
    this.#handler.totals.subscriptionBytes -= subscriptionCost(filter)
    this.#wildcardLevels -= wildcardLevels(filter)
    this.#shared?.delete(filter)
    this.#handler.router.unsubscribe(this, filter)
    if (this.persistent) this.#handler.journal.append({ type: 'unsubscribed', session: this.id, filter })
    return true
  }

  /** A QoS 2 message of the client was taken. */
  addReceived(packetIdentifier: number): void {
    this.received.add(packetIdentifier)
    if (this.persistent) this.#handler.journal.append({ type: 'received', session: this.id, packetIdentifier })
  }

  /** A QoS 2 message of the client was refused when others had got it. */
  addRefused(packetIdentifier: number): void {
    this.refused ??= new Set()
    this.refused.add(packetIdentifier)
  }

  /** The client released it. @returns false when there was none. */
  releaseReceived(packetIdentifier: number): boolean {
    if (!this.received.delete(packetIdentifier)) return false
    if (this.persistent) this.#handler.journal.append({ type: 'released', session: this.id, packetIdentifier })
    return true
  }

  /** The Will Delay Interval is over. */
  publishWill(): void {
    const will = this.#will
    if (will === undefined) return
    this.#setWill(undefined) // [MQTT-3.1.2-10]
    if (this.persistent) this.#save()
    publishWill(this.#handler, willMessage(will, this.#handler.now()), this)
  }

  /** The end of it; called by `Sessions.end`. */
  end(): void {
    this.#stopWatching()
    this.#handler.sharedBacklogs.remove(this)
    for (const filter of this.subscriptions.keys()) {
      this.#handler.router.unsubscribe(this, filter)
      this.#handler.totals.subscriptionBytes -= subscriptionCost(filter)
    }
    this.subscriptions.clear()
    this.#wildcardLevels = 0
    this.#shared = undefined
    const orphans = this.outbox.end()
    if (this.persistent) this.#handler.journal.append({ type: 'session-ended', session: this.id })
    this.#expiryIntervalSeconds = 0
    const nowMs = this.#handler.now()
    for (const { message, shared } of orphans) {
      // Another member has got nothing of it yet [MQTT-3.3.2-5].
      if (message!.expiresAtMs > nowMs) this.#handler.router.redeliver(message!, shared!, this)
    }
    // The Will is published when the session ends, whatever its delay [MQTT-3.1.2-8].
    this.publishWill()
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
    this.subscriptions.set(filter, subscription)
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
      expiryIntervalSeconds: this.#expiryIntervalSeconds,
      disconnectedAtMs: this.#disconnectedAtMs,
      will: this.#will,
    }
    this.#handler.journal.append({ type: 'session', session })
  }
}
