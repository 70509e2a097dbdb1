import type { QoS } from 'mqtt-packet'
import type { Identity } from '../../src/kinds/authorizer.ts'
import type { SessionRequest } from '../../src/kinds/client-broker.ts'
import type { ClientSession, PublishOutcome, Refusal } from '../../src/kinds/client-session.ts'
import type { Recipient, WillOutcome } from '../../src/kinds/recipient.ts'
import type { Delivery, Subscriber } from '../../src/kinds/router.ts'
import type { StoredSession } from '../../src/kinds/store.ts'
import { type DeliveryResult, refusedDelivery, withWork } from '../../src/mqtt/delivery-result.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import { type Subscription, sharedFilter } from '../../src/mqtt/subscription.ts'
import { hasSameRights } from './authorization.ts'
import { inflightLimits } from './config.ts'
import { AWAY_UNITS, CONNECTED_UNITS, deliveredQoS, isUpgraded } from './delivered-qos.ts'
import { Outbox } from './outbox.ts'
import type { Outgoing } from './outgoing.ts'
import { OwnCopy } from './own-copy.ts'
import { RetainedSender } from './retained-sender.ts'
import type { SessionContext } from './session-context.ts'
import { SessionExpiry } from './session-expiry.ts'
import { recordOf } from './session-record.ts'
import type { SessionStart, SessionState } from './session-state.ts'
import { SessionSubscriptions } from './session-subscriptions.ts'
import { couldRead } from './unreadable-store.ts'
import { UnreleasedMessages } from './unreleased-messages.ts'
import type { UserQuota } from './user-quotas.ts'
import { Will } from './will.ts'

/**
 * The Session State of a client (section 4.1): what outlives its network connections, as long as its Session Expiry
 * Interval says. It is the subscriber that the router knows.
 */
export class Session implements Subscriber, ClientSession {
  readonly id: string
  /** The authenticated user that owns the session; undefined without authentication. */
  readonly owner: string | undefined
  /** The quota of its owner, for all sessions of the owner. */
  readonly quota: UserQuota<Session>
  readonly #broker: SessionContext<Session>
  /** Its subscriptions within the bounds of the config. `subscriptions` has them by Topic Filter. */
  readonly filters: SessionSubscriptions
  /** Messages at QoS 1 and 2 for the client. */
  readonly outbox: Outbox
  /** Messages at QoS 2 from the client. */
  readonly unreleased: UnreleasedMessages
  /** The session's own copy of a message from the client; undefined until the first message at QoS 2. */
  #ownCopy: OwnCopy | undefined
  /** Retained messages that are not sent to the client yet; undefined until the first replay. */
  #retained: RetainedSender | undefined

  /** The client while it is connected. */
  #recipient: Recipient | undefined
  /** The identity of the client at its last connection. */
  #identity: Identity
  readonly #expiry: SessionExpiry<Session>
  readonly will: Will<Session>
  /** The batch with which it came into the store, 0 if it was restored; undefined while it is not in the store. */
  #storedBatch: number | undefined
  /** Its subscriptions leave the router over the next turns. */
  #ended = false

  /** @param handed of the predecessor, at a reset. */
  constructor({ id, owner, identity }: SessionStart, broker: SessionContext<Session>, handed?: SessionState) {
    this.id = id
    this.owner = owner
    this.#identity = identity
    this.#broker = broker
    broker.authorization.noteIdentity(identity)
    this.quota = broker.quotas.of(owner)
    this.filters = new SessionSubscriptions(broker, this.quota, handed?.subscriptions)
    this.outbox = new Outbox(this, broker, handed?.outbox)
    this.unreleased = new UnreleasedMessages(this, broker, handed?.unreleased)
    this.#expiry = new SessionExpiry(this, broker.sessions.expiry, handed?.expiry)
    this.will = new Will(this, broker.gauges, this.quota, broker.sessions.willDelay, handed?.will)
    this.#recipient = handed?.recipient
    this.#storedBatch = handed?.storedBatch
    this.#ended = handed?.ended ?? false
    this.#ownCopy = handed?.ownCopy && new OwnCopy(this, handed.ownCopy)
    this.#retained = handed?.retained && new RetainedSender(this, broker, handed.retained)
  }

  /** For a successor. Changes nothing. */
  handOver(): SessionState {
    return {
      id: this.id,
      owner: this.owner,
      identity: this.#identity,
      recipient: this.#recipient,
      storedBatch: this.#storedBatch,
      ended: this.#ended,
      subscriptions: this.filters.handOver(),
      outbox: this.outbox.forSuccessor(),
      unreleased: this.unreleased.handOver(),
      expiry: this.#expiry.handOver(),
      will: this.will.handOver(),
      ownCopy: this.#ownCopy?.handOver(),
      retained: this.#retained?.handOver(),
    }
  }

  get subscriptions(): ReadonlyMap<string, Subscription> {
    return this.filters.byFilter
  }

  /** Filters of its Shared Subscriptions; undefined when it never had any. */
  get shared(): ReadonlySet<string> | undefined {
    return this.filters.shared
  }

  get recipient(): Recipient | undefined {
    return this.#recipient
  }

  get connected(): boolean {
    return this.#recipient !== undefined
  }

  get identity(): Identity {
    return this.#identity
  }

  get unacknowledged(): number {
    return this.outbox.inflight + this.outbox.waiting
  }

  /** Whether it outlives the connection, and so is in the store. */
  get persistent(): boolean {
    return this.#expiry.isPersistent
  }

  /** The batch that must be durable for it to be in the store. 0 if it is, or is not to be. */
  get storedBatch(): number {
    return this.#storedBatch ?? 0
  }

  get expiryIntervalSeconds(): number {
    return this.#expiry.intervalSeconds
  }

  /** When its client disconnected; undefined while it is connected. */
  get disconnectedAtMs(): number | undefined {
    return this.#expiry.disconnectedAtMs
  }

  get hasEnded(): boolean {
    return this.#ended
  }

  takes(qos: QoS): boolean {
    const highest = isUpgraded(qos, 2, this.#broker.config) ? 2 : qos
    return this.#recipient?.sendable === true && (highest === 0 || this.outbox.takes(highest))
  }

  mayReceive(message: Message): boolean {
    const { mayReceive } = this.#broker.authorization
    return mayReceive === undefined || mayReceive(this.#identity, message.topic)
  }

  deliver(message: Message, delivery: Delivery): DeliveryResult {
    if (this.#ended) {
      const { shared } = delivery
      return shared === undefined ? 1 : withWork(this.#broker.endedSessions.passOn(message, shared, this), 1)
    }
    const qos = deliveredQoS(message.qos, delivery.qos, this.#broker.config)
    if (this.#ownCopy?.takes(message, qos, delivery) === true) return CONNECTED_UNITS
    const retain = message.retain && delivery.retainAsPublished // [MQTT-3.3.1-12] [MQTT-3.3.1-13]
    if (qos === 0) {
      this.#recipient?.deliverQoS0(message, retain, delivery.subscriptionIdentifiers)
      return 1
    }
    const isTaken = this.outbox.add(message, qos, retain, delivery.subscriptionIdentifiers, delivery.shared)
    const units = this.#recipient === undefined ? AWAY_UNITS : CONNECTED_UNITS
    return isTaken ? units : refusedDelivery(units)
  }

  deliverRun(run: PublishRun, delivery: Delivery): boolean {
    if (isUpgraded(run.message.qos, delivery.qos, this.#broker.config)) return false
    if (run.message.qos > 0) {
      if (this.#ended || delivery.qos === 0 || delivery.shared !== undefined) return false
      return this.outbox.addRun(run, delivery.subscriptionIdentifiers)
    }
    return this.#recipient?.deliverRun(run, delivery.subscriptionIdentifiers) ?? true
  }

  publish(message: Message, told: boolean): PublishOutcome {
    return this.#broker.publishing.publish(message, this, told)
  }

  publishRun(run: PublishRun): boolean {
    return this.#broker.publishing.publishRun(run, this)
  }

  publishAcknowledgedRun(run: PublishRun): Uint8Array | undefined {
    return this.#broker.publishing.publishAcknowledgedRun(run, this)
  }

  answerFirst(): void {
    this.#ownCopy ??= new OwnCopy(this)
    this.#ownCopy.begin()
  }

  deliverOwn(message: Message): void {
    const delivery = this.#ownCopy?.end()
    if (delivery !== undefined) this.deliver(message, delivery)
  }

  /** A connection begins, which deletes the Will of the one before [MQTT-3.1.3-9]. @throws UnreadableStore: nothing has changed. */
  attach(recipient: Recipient, { expiryIntervalSeconds, will, receiveMaximum }: SessionRequest): void {
    this.outbox.load(this.persistent && expiryIntervalSeconds === 0)
    this.#expiry.stop()
    this.will.stop()
    this.#broker.sessions.away.delete(this)
    this.#broker.sessions.connected.add(this)
    this.#recipient = recipient
    this.#broker.sharedBacklogs.remove(this)
    const work = this.#broker.router.connectionChanged(this)
    if (work > 0) recipient.chargeWork(work)
    this.#identify(recipient.identity)
    this.will.set(will)
    this.will.wasRefused = false
    this.#expiry.disconnectedAtMs = undefined
    this.#ownCopy?.end()
    this.unreleased.attach(recipient.isVersion5)
    this.outbox.attach(receiveMaximum, inflightLimits(this.#broker.config, recipient.isVersion5))
    this.#setExpiryInterval(expiryIntervalSeconds)
  }

  setExpiryInterval(seconds: number): void {
    // One that ends with its connection is not in the store, and keeps nothing of what it has sent: that cannot be undone.
    if (!this.persistent) return
    // It cannot leave the store while its messages cannot be read: it has expired, and ends when they can be read.
    const mayLeave = seconds > 0 || couldRead(() => this.outbox.load(true))
    if (!mayLeave) this.#broker.expiredSessions.addUnread(this)
    this.#setExpiryInterval(mayLeave ? seconds : 1)
  }

  #setExpiryInterval(seconds: number): void {
    if (this.persistent && seconds === 0) {
      this.#storedBatch = undefined
      this.#broker.journal.append({ type: 'session-ended', session: this.id })
    }
    this.#expiry.intervalSeconds = seconds
    this.#save()
  }

  deleteWill(): boolean {
    return this.will.take() !== undefined
  }

  detach(decided: WillOutcome | undefined, isTakenOver: boolean): WillOutcome | undefined {
    const expected = decided ?? this.will.outcome(this.persistent)
    this.#detach()
    return this.will.outcomeNow(expected, isTakenOver)
  }

  /** Takes over what the store holds. Writes nothing. */
  restore(stored: StoredSession): void {
    this.#storedBatch = 0
    this.#expiry.intervalSeconds = stored.expiryIntervalSeconds
    this.#expiry.disconnectedAtMs = stored.disconnectedAtMs
    this.will.set(stored.will)
    for (const subscription of stored.subscriptions) {
      this.filters.keep(subscription)
      this.#broker.router.subscribe(this, subscription)
    }
    this.unreleased.restore(stored.received)
    this.outbox.restore(stored.queue)
    this.#broker.sharedBacklogs.add(this)
  }

  /** It is restored. It counts as disconnected now if the process ended while its client was connected. */
  awaitClientAgain(): void {
    if (this.#expiry.disconnectedAtMs === undefined) {
      this.#expiry.disconnectedAtMs = this.#broker.now()
      this.#save()
    }
    this.awaitClient()
  }

  /** The client has gone. The session ends, and its Will is published, when their intervals are over. */
  awaitClient(): void {
    const nowMs = this.#broker.now()
    this.#expiry.begin(nowMs)
    this.#broker.sessions.away.add(this)
    if (this.will.begin(this.disconnectedAtMs ?? nowMs, nowMs)) this.#broker.wills.add(this)
  }

  continueWith(recipient: Recipient): void {
    this.#recipient = recipient
  }

  subscribe(subscription: Subscription, retainHandling: number): Refusal | undefined {
    const problem = this.filters.problemOf(subscription, this.#identity)
    if (problem !== undefined) return problem
    this.filters.keep(subscription)
    const existed = this.#broker.router.subscribe(this, subscription) // [MQTT-3.8.4-3]
    if (this.persistent) this.#broker.journal.append({ type: 'subscribed', session: this.id, subscription })
    // [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]; a Shared Subscription gets none (section 4.8.2).
    const wantsRetained = retainHandling === 0 || (retainHandling === 1 && !existed)
    const { filter } = subscription
    if (wantsRetained && sharedFilter(filter) === undefined && this.#broker.retained.mayMatch(filter)) {
      this.#retained ??= new RetainedSender(this, this.#broker)
      this.#retained.add(subscription)
    }
    return undefined
  }

  unsubscribe(filter: string): boolean {
    this.#retained?.remove(filter)
    if (!this.filters.delete(filter)) return false
    this.#broker.router.unsubscribe(this, filter)
    if (this.persistent) this.#broker.journal.append({ type: 'unsubscribed', session: this.id, filter })
    return true
  }

  /** A batch of the store is durable: sends what waited for it, answers too. @returns whether some still wait. */
  releaseDurable(): boolean {
    const recipient = this.#recipient
    if (recipient === undefined) return false
    this.outbox.releasePubrels()
    const answersWait = recipient.releaseAnswers()
    return this.outbox.release() || answersWait
  }

  /**
   * Ends the session. Called by `Sessions.end`, which handles its Will. What the session holds is released over turns.
   * @param left what other members of Shared Subscriptions may get, if it is in the store.
   */
  end(left: readonly Outgoing[]): void {
    this.#expiry.stop()
    this.will.stop()
    this.#ended = true
    this.#broker.sharedBacklogs.remove(this)
    this.filters.end()
    if (this.persistent) {
      // Its messages are in the store, which removes them next.
      this.#broker.endedSessions.redeliver(left, this)
      this.#broker.journal.append({ type: 'session-ended', session: this.id })
    }
    this.unreleased.end()
    this.#expiry.intervalSeconds = 0
    this.#broker.endedSessions.add(this)
  }

  /** `Will.take` has taken the Will out, to be published. */
  willTaken(): void {
    this.#save()
    if (!this.#ended && this.#recipient === undefined) this.#broker.sessions.away.add(this)
  }

  /** Not before: what the Will leaves behind counts for the user. */
  willDone(): void {
    if (this.#ended) this.#broker.quotas.release(this.quota)
  }

  waitsForAnyMember(filter: string, after: number): void {
    this.#broker.sharedBacklogs.waits(this, filter, after)
  }

  awaitStore(): void {
    this.#broker.awaitStore(this)
  }

  nothingWaits(): void {
    this.#broker.sharedBacklogs.pull(this)
    this.#retained?.pump()
  }

  /** The client may have other rights than at its last connection: its subscriptions are asked about again. */
  #identify(identity: Identity): void {
    const before = this.#identity
    this.#identity = identity
    this.#broker.authorization.noteIdentity(identity)
    if (this.subscriptions.size > 0 && !hasSameRights(before, identity)) this.#broker.revocation.recheck(this)
  }

  #detach(): void {
    this.#recipient = undefined
    this.#broker.sessions.connected.delete(this)
    this.#broker.router.connectionChanged(this)
    if (!this.persistent) {
      this.#broker.sessions.end(this)
      return
    }
    this.outbox.detach()
    this.#broker.sharedBacklogs.add(this)
    this.#broker.sharedBacklogs.offer(this)
    this.#retained?.pump()
    this.#expiry.disconnectedAtMs = this.#broker.now()
    this.#save()
    this.awaitClient()
  }

  #save(): void {
    if (!this.persistent) return
    this.#broker.journal.append({ type: 'session', session: recordOf(this) })
    this.#storedBatch ??= this.#broker.journal.lastBatch
  }
}
