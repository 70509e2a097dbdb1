import type { Logger } from '../../src/kinds/logger.ts'
import type { StoredRetained } from '../../src/kinds/store.ts'
import type { Payer, TurnScheduler, TurnTask } from '../../src/kinds/turn-scheduler.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { PackedMessage } from '../../src/mqtt/packed-message.ts'
import { type AddResult, type RetainedLimits, RetainedMessages } from '../../src/mqtt/retained-messages.ts'
import { shortenText } from '../../src/mqtt/shorten-text.ts'
import type { Authorization } from './authorization.ts'
import type { BrokerConfig } from './config.ts'
import type { BrokerCounters } from './counters.ts'
import type { Journal } from './journal.ts'
import { type OwnersState, RetainedOwners } from './retained-owners.ts'
import { RetainedRestore } from './retained-restore.ts'
import { type RetainedPublisher, RetainedSources } from './retained-sources.ts'
import type { UserAccounts, UserNumbers } from './user-quotas.ts'

/** Messages with a Message Expiry Interval that are looked at in one sweep. There are five sweeps in a second. */
const SWEEP_LIMIT = 10_000

/** Messages that are looked at in one step of a sweep, and the units of work of a step. A message that is removed costs more. */
const SWEEP_STEP = 100
const SWEEP_STEP_UNITS = 30
const REMOVAL_UNITS = 20

/** Topics that are looked at in one step of `find`. */
const FIND_STEP = 1_000
/** Units of work for each of them. */
const FIND_UNITS = 2

/** The session of a client that publishes a message to retain. */
export interface RetainedSession extends RetainedPublisher {
  readonly quota: UserNumbers
}

/** The parts of the broker that the retained messages use. */
export interface RetainedContext {
  readonly config: BrokerConfig
  readonly authorization: Authorization
  readonly journal: Journal
  readonly counters: BrokerCounters
  readonly log: Logger
  readonly quotas: UserAccounts
  readonly scheduler: TurnScheduler
}

/** What goes to the successor at a reset. */
export interface RetainedState {
  readonly messages: RetainedMessages
  readonly sources: ReturnType<RetainedSources['handOver']>
  readonly owners: OwnersState
  readonly mayHave: boolean
  readonly refused: number
  readonly full: boolean
  readonly isUserFull: boolean
  readonly sweepLeft: number
}

/** The retained messages of the broker, with their records in the store. */
export class Retained {
  messages: RetainedMessages
  readonly #journal: Journal
  readonly #counters: BrokerCounters
  readonly #log: Logger
  readonly #authorization: Authorization
  readonly #config: BrokerConfig
  readonly #sources = new RetainedSources()
  #owners: RetainedOwners
  readonly #restore: RetainedRestore
  readonly #quotas: UserAccounts
  /** Messages that were not retained since there was no room. */
  refused = 0
  #full = false
  /** Whether the last message of a user was refused because of its quota; logged once until one is retained. */
  #isUserFull = false
  /** Messages that are yet to be looked at in this sweep. */
  #sweepLeft = 0

  constructor({ config, authorization, journal, counters, log, quotas, scheduler }: RetainedContext) {
    this.messages = new RetainedMessages(limitsOf(config))
    this.#owners = new RetainedOwners(this.messages, quotas, this.#sources)
    this.#authorization = authorization
    this.#config = config
    this.#journal = journal
    this.#counters = counters
    this.#log = log
    this.#restore = new RetainedRestore(scheduler)
    this.#quotas = quotas
  }

  /** For a successor. Changes nothing. */
  handOver(): RetainedState {
    return {
      ...{ messages: this.messages, sources: this.#sources.handOver(), owners: this.#owners.handOver() },
      ...{ mayHave: this.#restore.mayHave, refused: this.refused, full: this.#full, isUserFull: this.#isUserFull },
      sweepLeft: this.#sweepLeft,
    }
  }

  /** Continues at a reset, with the messages themselves. @returns takes back what that changes outside. */
  takeOver(state: RetainedState): () => void {
    const { messages } = state
    this.messages = messages
    this.#owners = new RetainedOwners(messages, this.#quotas, this.#sources)
    this.#owners.takeOver(state.owners, this.#sources.takeOver(state.sources, this.#quotas))
    this.#restore.takeOver(state.mayHave)
    this.refused = state.refused
    this.#full = state.full
    this.#isUserFull = state.isUserFull
    this.#sweepLeft = state.sweepLeft
    return messages.limit(limitsOf(this.#config))
  }

  /** Takes over the limits of another config. @returns takes it back. */
  adjust(config: BrokerConfig): () => void {
    return this.messages.limit(limitsOf(config))
  }

  /**
   * Retains a message with RETAIN 1: it replaces the message of its topic [MQTT-3.3.1-5], or removes it if the payload is empty
   * [MQTT-3.3.1-6] [MQTT-3.3.1-7].
   * @param message lent. @param publisher undefined for a message of the server itself.
   * @returns false if there is no room. The message of the topic then stays unchanged.
   */
  take(message: Message, publisher?: RetainedSession): boolean {
    if (message.payloadLength === 0) {
      this.delete(message.topic)
      return true
    }
    const kept = message.alone()
    const shared = publisher !== undefined && this.#keepsSource(publisher) ? this.#sources.of(publisher) : undefined
    if (publisher !== undefined && !this.#owners.hasRoom(kept, publisher.quota, shared)) {
      return this.#refuseUser(kept, publisher.quota)
    }
    // Without publishers that are kept, no message has one, and the look-up would tell nothing.
    const replaced = this.sources === 0 ? undefined : this.messages.get(kept.topic, Number.NEGATIVE_INFINITY)
    const growth = this.#owners.sourceGrowth(replaced, shared)
    if (!this.messages.set(kept, this.#sources.bytes, growth)) return this.#refuse(kept)
    this.#owners.retained(kept, replaced, shared)
    this.#full = false
    this.#isUserFull = false
    if (shared === undefined) this.#journal.append({ type: 'retained', message: kept })
    else this.#journal.append({ type: 'retained', message: kept, source: shared.source })
    return true
  }

  /**
   * Keeps a message in memory alone: it has no record in the store and counts in no limit. An earlier message of the topic is
   * removed, also from the store. An empty payload removes the message.
   */
  takeVolatile(message: Message): void {
    const { topic } = message
    if (this.messages.has(topic) && !this.messages.isVolatile(topic)) this.delete(topic)
    if (message.payloadLength > 0) this.messages.setVolatile(message.alone())
    else this.messages.delete(topic)
  }

  /** Whether a search for this Topic Filter may find a message. Without one a subscription needs no search and no memory for it. */
  mayMatch(filter: string): boolean {
    const { count, volatileCount } = this.messages
    // A filter that begins with a wildcard does not match topics of the broker [MQTT-4.7.2-1].
    return count > 0 || this.isRestoring || (volatileCount > 0 && filter.startsWith('$'))
  }

  /** The memory of the messages and their publishers, in bytes. */
  get bytes(): number {
    return this.messages.bytes + this.#sources.bytes
  }

  /** Different publishers that are kept. */
  get sources(): number {
    return this.#sources.count
  }

  /** Whether `mayDeliver` asks authorizers. */
  get checksSource(): boolean {
    return this.#config.checkRetainedSource && (this.#authorization.hasAuthorizers || this.#sources.hasRules)
  }

  /**
   * Whether the publisher of a retained message may still publish it, by the rules in force now. Otherwise the message is not
   * delivered, and counted.
   */
  mayDeliver(message: Message): boolean {
    if (!this.checksSource) return true
    const shared = this.#owners.sourceOf(message)
    if (shared === undefined) return true
    if (this.#authorization.mayPublish(shared.identity, message.topic, message.qos, true)) return true
    this.#counters.deniedRetained += 1
    if (this.#counters.deniedRetained === 1) {
      const { clientId, userName } = shared.identity
      this.#log.warn(
        { topic: message.topic, client: clientId, user: userName },
        `A retained message was not delivered: ${shortenText(clientId)} may not publish to ${shortenText(message.topic)} any more ` +
          '(checkRetainedSource). Further ones are counted and not logged',
      )
    }
    return false
  }

  /** The publisher is kept for the quota of its user and to be asked about; one that may do everything is not. */
  #keepsSource({ identity, owner }: RetainedPublisher): boolean {
    return owner !== undefined || !this.#authorization.isOpenFor(identity)
  }

  /**
   * The messages that a Topic Filter matches.
   * @param filter a legal Topic Filter, not `$share/...`. @param limit how many at most. @param payer is charged for the work.
   */
  find(filter: string, limit: number, nowMs: number, payer: Payer): Message[] {
    const found: Message[] = []
    const { messages } = this
    for (let reached = 0; reached < messages.lastNumber && found.length < limit; ) {
      const page = messages.walk(filter, reached, messages.lastNumber, {
        looked: FIND_STEP,
        found: limit - found.length,
      })
      reached = page.reached
      payer.chargeWork(page.looked * FIND_UNITS)
      for (const number of page.numbers) {
        const message = messages.at(number, nowMs)
        if (message !== undefined) found.push(message)
      }
    }
    return found
  }

  /** Deletes the retained message of a topic. @returns false when there was none; true if it may be in the store alone. */
  delete(topic: string): boolean {
    if (this.messages.isVolatile(topic)) return this.messages.delete(topic)
    const message = this.messages.get(topic, Number.NEGATIVE_INFINITY)
    if (message !== undefined) {
      this.messages.delete(topic)
      this.#owners.removed(message)
    } else if (!this.#restore.mayHave) return false
    this.#remove(topic)
    return true
  }

  #remove(topic: string): void {
    this.#restore.removed(topic)
    this.#journal.append({ type: 'retained-removed', topic })
  }

  /** Whether messages of the store are still missing here: a search has to wait for them, with `afterRestore`. */
  get isRestoring(): boolean {
    return this.#restore.isRunning
  }

  /** The messages of the store are restored from now on, page by page. */
  restoring(): void {
    this.#restore.begin()
  }

  /** The next page is read from the store now, and has everything that was removed before. */
  asksForPage(): void {
    this.#restore.asksForPage()
  }

  /** Restores a page. A message that was retained or removed meanwhile is newer than the stored one. @returns how many it restored. */
  restore(page: readonly StoredRetained[]): number {
    let restored = 0
    for (const stored of page) {
      const result = stored instanceof PackedMessage ? this.#restorePacked(stored) : this.#restoreOne(stored)
      if (result === 'added') restored += 1
      else if (result === 'no-room') this.#restore.refused()
    }
    return restored
  }

  /** All are restored. @returns how many were not, since there was no room. */
  restored(): number {
    return this.#restore.complete()
  }

  /** No further message is restored: those that could not be read stay in the store. Searches go on. */
  endRestore(): void {
    this.#restore.end()
  }

  /** Resumes a search when all messages are restored. */
  afterRestore(task: TurnTask): void {
    this.#restore.whenOver(task)
  }

  /** Begins a sweep over some of the messages with an expiry time, or over all if there are few. */
  beginSweep(): void {
    this.#sweepLeft = Math.min(this.messages.expiring, SWEEP_LIMIT)
  }

  /**
   * Does one step of the sweep: removes those of a few messages whose Message Expiry Interval is over.
   * @param payer is charged for the work.
   * @returns whether there are more steps.
   */
  sweep(nowMs: number, payer: Payer): boolean {
    if (this.#sweepLeft <= 0) return false
    this.#sweepLeft -= SWEEP_STEP
    payer.chargeWork(SWEEP_STEP_UNITS)
    for (const message of this.messages.removeExpired(nowMs, SWEEP_STEP)) {
      const { topic } = message
      this.#owners.removed(message)
      // The way to a topic leads over its levels.
      payer.chargeWork(REMOVAL_UNITS + (topic.length >> 2))
      this.#counters.expiredRetained += 1
      this.#remove(topic)
    }
    return this.#sweepLeft > 0
  }

  #restoreOne({ message, source }: StoredRetained): AddResult | undefined {
    if (this.#restore.wasRemoved(message)) return undefined
    const shared = source && this.#sources.restored(source)
    const result = this.messages.add(message, this.#sources.bytes, this.#owners.sourceGrowth(undefined, shared))
    if (result === 'added') this.#owners.retained(message, undefined, shared)
    return result
  }

  /** Its publisher is not known. */
  #restorePacked(packed: PackedMessage): AddResult | undefined {
    return this.#restore.wasRemoved(packed) ? undefined : this.messages.addPacked(packed, this.#sources.bytes)
  }

  #refuseUser({ topic }: Message, { user, retainedMessages, retainedBytes }: UserNumbers): false {
    this.refused += 1
    this.#counters.refusedRetainedOfUser += 1
    if (!this.#isUserFull) {
      const whose = user === undefined ? 'clients without a user' : `user ${shortenText(user)}`
      this.#log.warn(
        { topic, user: user && shortenText(user), count: retainedMessages, bytes: retainedBytes },
        `A message is not retained: the messages of ${whose} are as many as one user may have ` +
          '(maximumRetainedMessagesPerUser, maximumRetainedBytesPerUser)',
      )
    }
    this.#isUserFull = true
    return false
  }

  #refuse({ topic }: Message): false {
    this.refused += 1
    if (!this.#full) {
      const { count } = this.messages
      const { bytes } = this
      this.#log.warn({ topic, count, bytes }, 'A message is not retained: there is no room for more of them')
    }
    this.#full = true
    return false
  }
}

const limitsOf = ({ maximumRetainedMessages, maximumRetainedBytes }: BrokerConfig): RetainedLimits => ({
  maximumMessages: maximumRetainedMessages,
  maximumBytes: maximumRetainedBytes,
})
