import { Fifo } from '../../src/collections/fifo.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { QueuedMessage } from '../../src/kinds/store.ts'
import type { Inflight } from '../../src/mqtt/inflight.ts'
import { NEVER_EXPIRES } from '../../src/mqtt/session-expiry-interval.ts'
import { Backlog, PAGE } from './backlog.ts'
import type { BrokerConfig } from './config.ts'
import type { BrokerCounters } from './counters.ts'
import { describeSession, type NamedSession } from './describe-session.ts'
import type { Gauges } from './gauges.ts'
import type { Journal } from './journal.ts'
import { Outgoing, OVERHEAD_BYTES } from './outgoing.ts'
import { UnreadableStore } from './unreadable-store.ts'
import type { UserAccounts, UserNumbers } from './user-quotas.ts'

/** The parts of the broker that the messages of a session use. */
export interface QueueContext {
  readonly config: BrokerConfig
  readonly journal: Journal
  readonly gauges: Gauges
  readonly counters: BrokerCounters
  readonly quotas: UserAccounts
  readonly log: Logger
  now(): number
}

/** The session whose messages they are. */
export interface QueueOwner extends NamedSession {
  /** Whether it outlives the connection, and so is in the store. */
  readonly persistent: boolean
  /** The quota of its owner, for all sessions of the owner. */
  readonly quota: Pick<UserNumbers, 'user' | 'queuedBytes'>
  /**
   * A message of a Shared Subscription waits in the store, and any member may have it.
   * @param after the sequence number up to which no message in the queue is for this Shared Subscription.
   */
  waitsForAnyMember(filter: string, after: number): void
}

/**
 * The messages at QoS 1 and 2 that wait to be sent to one client, in their order, within the bounds of the config:
 *
 *     backlog → queue → `next`
 *
 * The queue is in memory. The backlog is only in the store: all messages for a client that is away, and messages that exceed
 * the limit in memory. A session that ends with its connection has no backlog, and the queue of one that does not is in the
 * store as well.
 */
export class WaitingMessages {
  readonly #session: QueueOwner
  readonly #broker: QueueContext
  /** Takes messages that, after a restart, turn out to be in flight. */
  readonly #inflight: Inflight<Outgoing>

  readonly #queue: Fifo<Outgoing>
  #queueBytes = 0

  readonly #backlog: Backlog

  /** The store has messages in flight that memory does not know of yet. */
  #restored = false
  /** Messages are being dropped since the bounds are reached; logged once until nothing waits. */
  #overflowing = false

  /** @param handed of the predecessor, at a reset: they are counted already. */
  constructor(session: QueueOwner, broker: QueueContext, inflight: Inflight<Outgoing>, handed?: WaitingState) {
    this.#session = session
    this.#broker = broker
    this.#inflight = inflight
    this.#queue = handed?.queue ?? new Fifo()
    this.#backlog = new Backlog(session.id, broker.journal)
    if (handed === undefined) return
    this.#queueBytes = handed.queueBytes
    this.#backlog.restore(handed.backlogCount, handed.backlogBytes, handed.backlogAfter)
    this.#restored = handed.restored
    this.#overflowing = handed.overflowing
  }

  /** For a successor. Changes nothing. */
  forSuccessor(): WaitingState {
    return {
      queue: this.#queue,
      queueBytes: this.#queueBytes,
      backlogAfter: this.#backlog.after,
      backlogCount: this.#backlog.count,
      backlogBytes: this.#backlog.bytes,
      restored: this.#restored,
      overflowing: this.#overflowing,
    }
  }

  /** How many there are. */
  get count(): number {
    return this.#queue.length + this.#backlog.count
  }

  /** Their bytes. */
  get bytes(): number {
    return this.#queueBytes + this.#backlog.bytes
  }

  /**
   * Queues a message. When a bound is reached, drops it or older messages. @param outgoing its message may be lent.
   * @returns false when it was refused: a bound is reached, and `queueFullPolicy` says that its publisher is told.
   */
  push(outgoing: Outgoing): boolean {
    if (!this.#makeRoom(outgoing.size)) return this.#broker.config.queueFullPolicy !== 'refuse'
    const { persistent, id: session, recipient } = this.#session
    const kept = outgoing.message!.keep()
    if (persistent) this.#broker.journal.append({ type: 'queued', session, queued: outgoing.record(kept) })
    this.#count(1, outgoing.size)
    const away = recipient === undefined || this.#backlog.count > 0 || this.#queue.length >= PAGE
    if (persistent && away) {
      this.#backlog.push(outgoing)
      const { shared, sequence } = outgoing
      if (shared !== undefined && recipient === undefined) this.#session.waitsForAnyMember(shared, sequence - 1)
    } else {
      outgoing.message = kept
      this.#queue.push(outgoing)
      this.#queueBytes += outgoing.size
    }
    return true
  }

  /** Whether one more message of this size is within the bound for all sessions together, and that of its user. */
  fitsAll(size: number): boolean {
    const { gauges, config } = this.#broker
    const fits = gauges.queuedBytes + size + OVERHEAD_BYTES <= config.maximumTotalQueuedBytes
    return fits && this.#fitsUser(size)
  }

  /**
   * Removes and returns the next message. Expired messages are dropped on the way.
   * @param withQoS2 false when none is taken out whose turn is that of a message at QoS 2.
   * @throws UnreadableStore. Nothing more has changed then.
   */
  next(withQoS2: boolean): Outgoing | undefined {
    for (;;) {
      if (!withQoS2 && this.#queue.peek()?.qos === 2) return undefined
      const next = this.#take()
      if (next === undefined) this.#overflowing = false
      if (next === undefined) return next
      if (this.#expired(next)) this.#discard(next)
      else if (withQoS2 || next.qos === 1) return next
      else {
        // It was only in the store until now.
        this.#putBack(next)
        return undefined
      }
    }
  }

  /**
   * What is behind a sequence number, while there is no client. After a restart what is in flight is among it.
   * @throws UnreadableStore.
   */
  read(afterSequence: number, limit: number): readonly QueuedMessage[] {
    this.leaveMemory()
    return this.#backlog.read(afterSequence, limit)
  }

  /**
   * Takes out one of those that `read` returned and that were not sent.
   * @param take gives it to another session, which takes it into the store; false when there is none that can have it. It is not
   * called while the total has no room for the message.
   * @returns false when it stays. One that has waited for too long is dropped.
   */
  handOver(queued: QueuedMessage, take: () => boolean): boolean {
    const outgoing = Outgoing.restored(queued)
    const { size } = outgoing
    // Its bytes are released first, so that the queue of the other session has room for it.
    this.#count(-1, -size)
    const isExpired = this.#expired(outgoing)
    let isOver = isExpired
    try {
      // Wills may take all of the total meanwhile.
      isOver ||= this.fitsAll(size) && take()
    } finally {
      if (!isOver) this.#count(1, size)
    }
    if (!isOver) return false
    this.#backlog.remove(size)
    if (isExpired) this.#discard(outgoing)
    else this.#done(outgoing)
    return true
  }

  /** Restores the messages of the session from the store, also those in flight. */
  restore(queue: { readonly count: number; readonly bytes: number }): void {
    this.#restored = true
    this.#backlog.restore(queue.count, queue.bytes)
    this.#count(queue.count, queue.bytes)
  }

  /** @throws UnreadableStore if the first of what the store has for the client cannot be read. */
  checkReadable(): void {
    const { id, persistent } = this.#session
    const after = (this.#queue.peek()?.sequence ?? this.#backlog.after + 1) - 1
    if (persistent && this.count > 0) this.#broker.journal.read(id, after, 1)
  }

  /**
   * After a restart: finds what was in flight, at the front of the backlog. @returns false when that is known already.
   * @throws UnreadableStore. The next call goes on behind the last page that was read.
   */
  loadInflight(): boolean {
    if (!this.#restored) return false
    while (this.#queue.length === 0 && this.#load(PAGE));
    this.#restored = false
    return true
  }

  /**
   * A connection begins, or the session leaves the store: reads the first page into memory, or everything.
   * @throws UnreadableStore. Then everything is only in the store.
   */
  load(all: boolean): void {
    try {
      while ((all || this.#queue.length === 0) && this.#load(PAGE));
    } catch (error) {
      this.leaveMemory()
      throw error
    }
  }

  /** The client is away: everything is left to the store. */
  leaveMemory(): void {
    const next = this.#queue.peek()
    if (next === undefined) return
    this.#backlog.unshift(next, this.#queue.length, this.#queueBytes)
    this.#queue.clear()
    this.#queueBytes = 0
  }

  /**
   * Takes everything out, since the session has ended. Nothing is written: the store removes it with the session.
   * @returns messages of Shared Subscriptions. After a restart what is in flight is among them.
   * @throws UnreadableStore. Nothing has changed then.
   */
  end(): Outgoing[] {
    const left: Outgoing[] = []
    let expired = 0
    for (const messages of [this.#queue, this.#backlog]) {
      for (const outgoing of messages) {
        if (outgoing.packetIdentifier === 0 && this.#expired(outgoing)) expired += 1
        else if (outgoing.shared !== undefined) left.push(outgoing)
      }
    }
    this.#broker.counters.expired += expired
    this.leaveMemory()
    this.#clearBacklog()
    return left
  }

  /** Takes out the next message, from memory or from the store, expired or not. */
  #take(): Outgoing | undefined {
    // After a restart there may be pages of what is in flight.
    while (this.#queue.length === 0 && this.#load(this.#session.recipient === undefined ? 1 : PAGE));
    const next = this.#queue.shift()
    if (next === undefined) return undefined
    this.#queueBytes -= next.size
    this.#count(-1, -next.size)
    return next
  }

  /**
   * Reads a page of the backlog into memory: all of it, or nothing. @returns false when there was none.
   * @throws UnreadableStore.
   */
  #load(limit: number): boolean {
    if (this.#backlog.count === 0) return false
    const page = this.#backlog.take(limit)
    for (const outgoing of page) {
      if (outgoing.packetIdentifier > 0) {
        // From here on it counts as a message in flight.
        this.#count(-1, -outgoing.size)
        outgoing.inflightBytes = outgoing.inflightCost
        this.countInflight(outgoing.inflightBytes)
        this.#inflight.restore(outgoing.packetIdentifier, outgoing)
      } else {
        this.#queue.push(outgoing)
        this.#queueBytes += outgoing.size
      }
    }
    if (page.length > 0) return true
    this.#clearBacklog()
    return false
  }

  #clearBacklog(): void {
    this.#count(-this.#backlog.count, -this.#backlog.bytes)
    this.#backlog.restore(0, 0)
  }

  /** Makes room for a message of this size by `queueFullPolicy`. @returns false if there is no room. */
  #makeRoom(size: number): boolean {
    if (this.#fits(size)) return true
    const { queueFullPolicy, maximumQueuedMessages, maximumQueuedBytes } = this.#broker.config
    const dropsOldest = queueFullPolicy === 'drop-oldest' && maximumQueuedMessages > 0 && size <= maximumQueuedBytes
    for (let next = this.#takeOldest(); next !== undefined; next = this.#takeOldest()) {
      if (this.#expired(next)) this.#discard(next)
      else if (dropsOldest) this.#dropped(next)
      else {
        this.#putBack(next)
        break
      }
      if (this.#fits(size)) return true
    }
    if (this.#fits(size)) return true
    if (queueFullPolicy === 'refuse') this.#broker.counters.refused += 1
    if (!this.#fitsUser(size)) this.#broker.counters.droppedOfUser += 1
    this.#dropped(undefined)
    return false
  }

  /** @returns undefined also while the store cannot be read: the new message is dropped then, and not the oldest. */
  #takeOldest(): Outgoing | undefined {
    try {
      return this.#take()
    } catch (error) {
      if (error instanceof UnreadableStore) return undefined
      throw error
    }
  }

  #fits(size: number): boolean {
    const { maximumQueuedMessages, maximumQueuedBytes } = this.#broker.config
    return this.count < maximumQueuedMessages && this.bytes + size <= maximumQueuedBytes && this.fitsAll(size)
  }

  /** Counts what waits for all sessions: many small messages cost far more than their bytes. */
  #count(messages: number, bytes: number): void {
    this.countInflight(bytes + messages * OVERHEAD_BYTES)
  }

  /** Counts the memory of messages that are in flight and kept. */
  countInflight(bytes: number): void {
    this.#broker.gauges.queuedBytes += bytes
    this.#session.quota.queuedBytes += bytes
  }

  #fitsUser(size: number): boolean {
    const { quota } = this.#session
    return quota.queuedBytes + size + OVERHEAD_BYTES <= this.#broker.quotas.limitsOf(quota).queuedBytes
  }

  #putBack(outgoing: Outgoing): void {
    this.#queue.unshift(outgoing)
    this.#queueBytes += outgoing.size
    this.#count(1, outgoing.size)
  }

  /** Whether it has expired before its delivery began [MQTT-3.3.2-5]. */
  #expired(outgoing: Outgoing): boolean {
    const { maximumQueuedSeconds } = this.#broker.config
    const waitsForEver = maximumQueuedSeconds === NEVER_EXPIRES
    const latestMs = waitsForEver ? Number.POSITIVE_INFINITY : outgoing.queuedAtMs + maximumQueuedSeconds * 1000
    const expiresAtMs = Math.min(latestMs, outgoing.message?.expiresAtMs ?? Number.POSITIVE_INFINITY)
    // Most messages never expire and need no look at the clock.
    return expiresAtMs !== Number.POSITIVE_INFINITY && this.#broker.now() >= expiresAtMs
  }

  #discard(outgoing: Outgoing): void {
    this.#broker.counters.expired += 1
    this.#done(outgoing)
  }

  /** @param outgoing undefined for one that never was in the queue. */
  #dropped(outgoing: Outgoing | undefined): void {
    this.#broker.counters.dropped += 1
    if (outgoing !== undefined) this.#done(outgoing)
    if (this.#overflowing) return
    this.#overflowing = true
    const { count: waiting, bytes: waitingBytes } = this
    const policy = this.#broker.config.queueFullPolicy
    const { text, fields } = describeSession(this.#session)
    this.#broker.log.warn(
      { ...fields, waiting, waitingBytes, queuedBytesOfUser: this.#session.quota.queuedBytes, policy },
      `Queue of a session is full: ${text}: messages at QoS 1 and 2 are dropped`,
    )
  }

  #done({ sequence }: Outgoing): void {
    const { persistent, id: session } = this.#session
    if (persistent) this.#broker.journal.append({ type: 'done', session, sequence })
  }
}

export interface WaitingState {
  readonly queue: Fifo<Outgoing>
  readonly queueBytes: number
  readonly backlogAfter: number
  readonly backlogCount: number
  readonly backlogBytes: number
  readonly restored: boolean
  readonly overflowing: boolean
}
