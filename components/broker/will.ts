import { type Standing, standingOf, type TimerWheel, type Watch } from '../../src/collections/timer-wheel.ts'
import type { PublishOutcome } from '../../src/kinds/client-session.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { describePeer } from '../../src/kinds/peer.ts'
import type { WillOutcome } from '../../src/kinds/recipient.ts'
import type { StoredWill } from '../../src/kinds/store.ts'
import type { Payer, TurnScheduler } from '../../src/kinds/turn-scheduler.ts'
import { describeReasonCode } from '../../src/mqtt/describe-reason-code.ts'
import { Message } from '../../src/mqtt/message.ts'
import { expiryOf } from '../../src/mqtt/message-expiry.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { isServerTopic } from '../../src/mqtt/server-topic.ts'
import { shortenText } from '../../src/mqtt/shorten-text.ts'
import type { BrokerCounters } from './counters.ts'
import type { NamedSession } from './describe-session.ts'
import type { Gauges } from './gauges.ts'
import { OVERHEAD_BYTES } from './outgoing.ts'
import { timeLeftMs } from './session-expiry.ts'
import { TurnQueue } from './turn-queue.ts'
import type { UserNumbers } from './user-quotas.ts'

/** Units of work that a Will costs apart from its deliveries: its message is made, and the store and the log are told. */
const WILL_UNITS = 20

/** The memory of a Will, in bytes; 0 for none. */
export const willCost = (will: StoredWill | undefined): number =>
  will === undefined ? 0 : will.message.size + OVERHEAD_BYTES

/** The numbers of the user that a Will counts in. */
export type WillQuota = Pick<UserNumbers, 'willBytes' | 'queuedBytes'>

/**
 * The Will of one session (section 3.1.2.5): from the CONNECT that brings it until it is published or deleted.
 *
 *     set → (connection lost) → its Will Delay Interval → due → published
 *
 * It is deleted when the client sends DISCONNECT, or connects again before the delay is over.
 */
export class Will<S> {
  readonly #session: S
  readonly #gauges: Gauges
  readonly #quota: WillQuota
  /** Reports the session when the Will Delay Interval is over. */
  readonly #wheel: TimerWheel<S>
  #watch: Watch<S> | undefined
  #stored: StoredWill | undefined
  /** Whether the Will of the last connection was due and not accepted. */
  wasRefused = false

  /** @param handed of the predecessor, at a reset: it is counted already. */
  constructor(session: S, gauges: Gauges, quota: WillQuota, wheel: TimerWheel<S>, handed?: WillState) {
    this.#session = session
    this.#gauges = gauges
    this.#quota = quota
    this.#wheel = wheel
    if (handed === undefined) return
    this.#stored = handed.stored
    this.wasRefused = handed.wasRefused
    if (handed.standing !== undefined) this.#watch = wheel.resume(session, handed.standing)
  }

  /** For a successor. Changes nothing. */
  handOver(): WillState {
    return { stored: this.#stored, wasRefused: this.wasRefused, standing: standingOf(this.#watch) }
  }

  get stored(): StoredWill | undefined {
    return this.#stored
  }

  /** Its memory, in bytes; 0 for none. */
  get cost(): number {
    return willCost(this.#stored)
  }

  /** Sets the Will of a connection, or deletes it. */
  set(will: StoredWill | undefined): void {
    const more = willCost(will) - this.cost
    this.#gauges.willBytes += more
    this.#gauges.queuedBytes += more
    this.#quota.willBytes += more
    this.#quota.queuedBytes += more
    this.#stored = will
  }

  /** Removes the Will, to publish it. @returns undefined if there is none. */
  take(): StoredWill | undefined {
    const stored = this.#stored
    this.set(undefined)
    return stored
  }

  /** Begins the Will Delay Interval when the client is away. @returns true if the Will is due now. */
  begin(sinceMs: number, nowMs: number): boolean {
    if (this.#stored === undefined) return false
    const { delaySeconds } = this.#stored
    if (delaySeconds === 0) return true
    this.#watch = this.#wheel.watch(this.#session, timeLeftMs(sinceMs, delaySeconds, nowMs), performance.now())
    return false
  }

  /** Stops the Will Delay Interval when the client is back or the session has ended. */
  stop(): void {
    if (this.#watch !== undefined) this.#wheel.cancel(this.#watch)
    this.#watch = undefined
  }

  /** The outcome of the Will when the connection ends. @param outlives whether the session outlives the connection. */
  outcome(outlives: boolean): WillOutcome | undefined {
    if (this.#stored === undefined) return undefined
    if (isServerTopic(this.#stored.message)) return 'dropped'
    // The Will is published when the delay is over or when the session ends, whichever is first [MQTT-3.1.2-8].
    return this.#stored.delaySeconds > 0 && outlives ? 'delayed' : 'published'
  }

  /** The same when another connection takes the session over, or ends it with Clean Start. */
  outcomeOfTakeover(outlives: boolean, cleanStart: boolean): WillOutcome | undefined {
    const outcome = this.outcome(outlives)
    // The next connection deletes the Will before its delay is over [MQTT-3.1.3-9], unless the session ends.
    return outcome === 'delayed' ? (cleanStart ? 'published' : 'deleted') : outcome
  }

  /** The outcome of the Will after the connection has ended. @param expected the outcome that was expected. */
  outcomeNow(expected: WillOutcome | undefined, isTakenOver: boolean): WillOutcome | undefined {
    if (expected !== 'published') return expected
    if (this.wasRefused) return 'dropped'
    // When many Wills are due at once, this one waits for its turn. At a takeover it is published before CONNACK leaves.
    return this.#stored === undefined || isTakenOver ? 'published' : 'due'
  }
}

export interface WillState {
  readonly stored: StoredWill | undefined
  readonly wasRefused: boolean
  readonly standing: Standing | undefined
}

/** A session with its Will. */
export interface WillOwner extends NamedSession {
  readonly will: { wasRefused: boolean; take(): StoredWill | undefined }
  /** The Will was removed: updates the store, and whether the session holds anything. */
  willTaken(): void
  /** It was published or dropped. */
  willDone(): void
}

/** The parts of the broker that Wills use. */
export interface WillContext<S> {
  readonly scheduler: TurnScheduler
  readonly counters: BrokerCounters
  readonly log: Logger
  readonly publishing: {
    publish(message: Message, publisher: S, told: boolean, payer: Payer): PublishOutcome
  }
  now(): number
}

/**
 * The Wills that are due: the connection was lost and the Will Delay Interval is over, or the session has ended
 * [MQTT-3.1.2-8]. Thousands of connections may be lost at once, so the Wills are published over turns of the event loop, in the
 * order in which they came due. A single Will is published at once.
 *
 * A Will that is due stays with its session, and counts in `Gauges.willBytes`, until it is published. It stays in the store as
 * well if the session is there. `publishFor` keeps the order of one client: its Will is published before the client is answered
 * when it connects again.
 */
export class DueWills<S extends WillOwner> {
  readonly #broker: WillContext<S>
  readonly #queue: TurnQueue<S>
  /** By Client Identifier: one session for each at most, since `publishFor` is called before there is another. */
  readonly #byId = new Map<string, S>()

  constructor(broker: WillContext<S>) {
    this.#broker = broker
    const { scheduler, log } = broker
    this.#queue = new TurnQueue('will', scheduler, log, (session) => {
      this.#byId.delete(session.id)
      this.publish(session, scheduler.payer)
      return false
    })
  }

  /** Wills that wait to be published. */
  get count(): number {
    return this.#queue.size
  }

  /** Queues the Will of a session that is due. */
  add(session: S): void {
    this.#byId.set(session.id, session)
    this.#queue.add(session)
  }

  /** Publishes the Will of the client with this identifier now, if it is due. @param payer is charged for the work. */
  publishFor(clientId: string, payer: Payer): void {
    const session = this.#byId.get(clientId)
    if (session === undefined) return
    this.#byId.delete(clientId)
    this.#queue.delete(session)
    this.publish(session, payer)
  }

  /** Publishes the Will of a session now, if it has one. @param payer is charged for the work. */
  publish(session: S, payer: Payer): void {
    const will = session.will.take() // [MQTT-3.1.2-10]
    if (will === undefined) return
    session.willTaken()
    session.will.wasRefused = !this.#pass(willMessage(will, this.#broker.now()), session, payer)
    session.willDone()
  }

  /** Sessions whose Wills are due, in their order, for a successor. */
  get due(): readonly S[] {
    return [...this.#byId.values()]
  }

  /** Those of the predecessor, at a reset. They are published in later turns. */
  takeOver(due: readonly S[]): void {
    for (const session of due) this.#byId.set(session.id, session)
    this.#queue.takeOver(due)
  }

  /** Publishes all of them now. */
  drain(): void {
    this.#queue.drain()
  }

  /**
   * Publishes the Will Message of a client that has gone, by the rules for messages of clients. One that is not accepted is
   * dropped and counted. Never throws: an error is logged, since the caller often acts for another client, which takes the
   * session over.
   * @returns whether it was passed on to the subscribers, at once or over several turns.
   */
  #pass(will: Message, session: S, payer: Payer): boolean {
    const finished = (reasonCode: ReasonCode): void => this.#finished(will, session, reasonCode)
    try {
      payer.chargeWork(WILL_UNITS)
      const { reasonCode, pending } = this.#broker.publishing.publish(will, session, false, payer)
      if (pending !== undefined) {
        pending.whenFinished(finished)
        return true
      }
      finished(reasonCode)
      // If only the retained copy or one queue had no room, other subscribers have got it.
      return reasonCode < ReasonCode.UnspecifiedError || reasonCode === ReasonCode.QuotaExceeded
    } catch (error) {
      this.#broker.log.error({ ...detailsOf(will, session), err: error }, 'Will Message not published')
      return false
    }
  }

  #finished(will: Message, session: S, reasonCode: ReasonCode): void {
    const { counters, log } = this.#broker
    const accepted = reasonCode < ReasonCode.UnspecifiedError
    if (!accepted) counters.refusedWills += 1
    // A Will on a topic of the server was logged when the client connected.
    const level = accepted || isServerTopic(will) ? 'debug' : 'warn'
    if (!log.isLevelEnabled(level)) return
    const details = detailsOf(will, session)
    const what = accepted ? 'Will Message published' : 'Will Message not accepted'
    const reason = describeReasonCode(reasonCode)
    log[level](
      { ...details, reason },
      `${what}: ${session.id} from ${details.remote}: ${reason}: topic ${shortenText(will.topic)}`,
    )
  }
}

const detailsOf = ({ topic }: Message, { id, identity: { peer, userName } }: WillOwner) => ({
  ...{ client: id, remote: describePeer(peer), user: userName, topic },
})

/** The message of a Will as it is published now: its Message Expiry Interval begins. */
const willMessage = ({ message, messageExpiryInterval }: StoredWill, nowMs: number): Message => {
  const { topicBytes: topic, properties, payload, qos, retain } = message
  return Message.of({ topic, properties, payload, qos, retain, expiresAtMs: expiryOf(messageExpiryInterval, nowMs) })
}
