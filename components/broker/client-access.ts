import type { Identity } from '../../src/kinds/authorizer.ts'
import type { ClientBroker, OpenedSession, SessionRequest } from '../../src/kinds/client-broker.ts'
import type { ClientListener } from '../../src/kinds/client-listener.ts'
import type { ClientSession, Refusal } from '../../src/kinds/client-session.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Recipient } from '../../src/kinds/recipient.ts'
import type { SessionOwnership } from '../../src/kinds/session-ownership.ts'
import type { TurnQueue as Queue, TurnScheduler } from '../../src/kinds/turn-scheduler.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { isServerTopic } from '../../src/mqtt/server-topic.ts'
import type { Authorization } from './authorization.ts'
import type { ClientListeners } from './client-listeners.ts'
import type { BrokerConfig } from './config.ts'
import type { BrokerCounters } from './counters.ts'
import type { Gauges } from './gauges.ts'
import type { Journal } from './journal.ts'
import type { Publications } from './publications.ts'
import type { Publishing } from './publishing.ts'
import type { Session } from './session.ts'
import type { Sessions } from './sessions.ts'
import { subscribeUnits, unsubscribeUnits } from './subscription-cost.ts'
import { takeOver } from './takeover.ts'
import { TurnQueue } from './turn-queue.ts'
import { UnreadableStore } from './unreadable-store.ts'
import type { UserQuotas } from './user-quotas.ts'
import { willCost } from './will.ts'

/** The parts of the broker that client access uses. */
export interface ClientAccessContext {
  readonly config: BrokerConfig
  readonly gauges: Gauges
  readonly counters: BrokerCounters
  readonly authorization: Authorization
  readonly journal: Journal
  readonly scheduler: TurnScheduler
  readonly sessions: Sessions
  readonly quotas: UserQuotas<Session>
  readonly publications: Publications
  readonly publishing: Publishing
  readonly ownership: SessionOwnership
  readonly clientListeners: ClientListeners
  readonly log: Logger
  now(): number
  awaitStore(session: Session): void
  successorOf(session: ClientSession): Session | undefined
}

/** Decides which client may have which session, takes over a Client Identifier, and resumes or creates the session. */
export class ClientAccess implements ClientBroker {
  readonly #broker: ClientAccessContext
  readonly scheduler: TurnScheduler
  readonly journal: Journal

  constructor(broker: ClientAccessContext) {
    this.#broker = broker
    this.scheduler = broker.scheduler
    this.journal = broker.journal
  }

  get isAuthorized(): boolean {
    return this.#broker.authorization.hasAuthorizers
  }

  get mayReceive(): ClientBroker['mayReceive'] {
    return this.#broker.authorization.mayReceive
  }

  get watch(): Required<ClientListener> | undefined {
    return this.#broker.clientListeners.whenWatched
  }

  now(): number {
    return this.#broker.now()
  }

  unusedId(prefix: string): string {
    return this.#broker.sessions.unusedId(prefix)
  }

  subscribeUnits(filter: string, identity: Identity): number {
    return subscribeUnits(filter) + this.#broker.authorization.subscribeUnits(identity, filter)
  }

  unsubscribeUnits(filter: string): number {
    return unsubscribeUnits(filter)
  }

  queue<T>(name: string, step: (item: T) => boolean): Queue<T> {
    return new TurnQueue(name, this.scheduler, this.#broker.log, step, false)
  }

  awaitStore(session: ClientSession): void {
    this.#broker.awaitStore(session as Session)
  }

  claim(clientId: string): Promise<void> | undefined {
    return this.#broker.ownership.claim(clientId)
  }

  admit({ identity, owner, will, expiryIntervalSeconds, cleanStart }: SessionRequest): Refusal | undefined {
    const { sessions, config, counters, gauges, publishing } = this.#broker
    const existing = sessions.get(identity.clientId)
    if (existing !== undefined && existing.owner !== owner) {
      return { reasonCode: ReasonCode.NotAuthorized, why: 'The session belongs to another user.' }
    }
    if (this.journal.pressure === 'stuck' && expiryIntervalSeconds > 0 && (cleanStart || !sessions.resumes(existing))) {
      counters.unstoredSessions += 1
      return { reasonCode: ReasonCode.QuotaExceeded, why: 'The server cannot write to its storage at present.' }
    }
    const roomProblem = existing === undefined ? sessions.roomProblem(owner, expiryIntervalSeconds > 0) : undefined
    if (roomProblem !== undefined) return { reasonCode: ReasonCode.QuotaExceeded, why: roomProblem }
    // Queued messages make room for Wills, so full queues alone do not cause a refusal.
    const willBytes = gauges.willBytes - (existing?.will.cost ?? 0) + willCost(will)
    if (will !== undefined && willBytes > config.maximumTotalQueuedBytes) {
      return { reasonCode: ReasonCode.QuotaExceeded, why: 'There is no room for the Will Message.' }
    }
    if (will !== undefined && !this.#fitsUser(owner, willCost(will) - (existing?.will.cost ?? 0))) {
      return { reasonCode: ReasonCode.QuotaExceeded, why: 'There is no room for the Will Message of this user.' }
    }
    // A Will on a topic of the server is dropped when it is due, like a PUBLISH: every bridge of mosquitto has such a Will.
    if (will === undefined || isServerTopic(will.message)) return undefined
    const allowed = publishing.mayPublish(will.message, identity)
    if (allowed === ReasonCode.Success) return undefined
    return { reasonCode: allowed, why: 'The Will Message may not be published.' }
  }

  open(recipient: Recipient, request: SessionRequest): OpenedSession | undefined {
    try {
      return this.#open(recipient, request)
    } catch (error) {
      if (error instanceof UnreadableStore) return undefined
      throw error
    }
  }

  #open(recipient: Recipient, request: SessionRequest): OpenedSession {
    const { counters, publications, sessions } = this.#broker
    const { clientId } = request.identity
    const existing = sessions.get(clientId)
    // A connected client stays connected if the new one would be refused.
    if (existing?.connected === true) existing.outbox.waitingMessages.checkReadable()
    takeOver(existing, recipient, request.cleanStart, counters)
    const { session, isPresent } = this.#resumeOrCreate(recipient, request)
    session.attach(recipient, request)
    if (publications.isBusy(clientId)) publications.pause(session)
    return { session, isPresent, batch: session.storedBatch }
  }

  successorOf(session: ClientSession): Session | undefined {
    return this.#broker.successorOf(session)
  }

  /** Whether a Will that needs so much more memory fits among the Wills of a user. */
  #fitsUser(owner: string | undefined, moreBytes: number): boolean {
    const { quotas, counters } = this.#broker
    const { willBytes = 0 } = quotas.find(owner) ?? {}
    if (willBytes + moreBytes <= quotas.limitsOf({ user: owner }).queuedBytes) return true
    counters.refusedWillsOfUser += 1
    return false
  }

  #resumeOrCreate(
    recipient: Recipient,
    request: SessionRequest,
  ): Pick<OpenedSession, 'isPresent'> & { session: Session } {
    const { sessions } = this.#broker
    const { identity, owner, cleanStart, expiryIntervalSeconds } = request
    // The Will of the previous connection may be due, and the session may have expired.
    sessions.settle(identity.clientId, recipient)
    const earlier = sessions.get(identity.clientId)
    if (earlier !== undefined && !cleanStart) return { session: earlier, isPresent: true }
    if (earlier !== undefined) sessions.end(earlier, recipient)
    return { session: sessions.create(identity, owner, expiryIntervalSeconds > 0), isPresent: false }
  }
}
