import { randomUUID } from 'node:crypto'
import type { Identity } from '../../src/kinds/authorizer.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { StoredSession } from '../../src/kinds/store.ts'
import type { Payer } from '../../src/kinds/turn-scheduler.ts'
import { timerWheel } from '../../src/mqtt/tick.ts'
import { AwaySessions } from './away-sessions.ts'
import type { BrokerConfig } from './config.ts'
import type { BrokerCounters } from './counters.ts'
import { Session } from './session.ts'
import type { SessionContext } from './session-context.ts'
import { continuedSession, type SessionState } from './session-state.ts'
import { restoredIdentity } from './stored-identity.ts'
import { awayBound } from './user-quotas.ts'

/** The parts of the broker that the sessions use together, besides those of each session. */
export interface SessionsContext extends SessionContext<Session> {
  readonly config: BrokerConfig
  readonly counters: BrokerCounters
  readonly log: Logger
  readonly wills: {
    add(session: Session): void
    publishFor(clientId: string, payer: Payer): void
    publish(session: Session, payer: Payer): void
  }
  /** Sessions whose Session Expiry Interval is over, and which end when their turn comes. */
  readonly expiredSessions: {
    has(session: Session): boolean
    addUnread(session: Session): void
    delete(session: Session): void
  }
}

/** All sessions of this broker, by Client Identifier [MQTT-3.1.3-2]. */
export class Sessions {
  readonly #broker: SessionsContext
  readonly #byId = new Map<string, Session>()
  /** Those with a client, in the order in which the clients connected. */
  readonly connected = new Set<Session>()
  /** Those without a client. */
  readonly away: AwaySessions
  /** The same sessions, until their Session Expiry Interval is over. */
  readonly expiry = timerWheel<Session>(performance.now(), false)
  /** Sessions with a waiting Will, until its Will Delay Interval is over. */
  readonly willDelay = timerWheel<Session>(performance.now(), false)

  constructor(broker: SessionsContext) {
    this.#broker = broker
    this.away = new AwaySessions(broker)
  }

  /** Takes the place of a session of the predecessor, at a reset. @returns the successor, which no list has yet. */
  successor(state: SessionState): Session {
    return new Session(state, this.#broker, continuedSession(state))
  }

  /** A session of the predecessor that has not ended, at a reset. In their order. */
  adopt(session: Session): void {
    this.#byId.set(session.id, session)
  }

  get count(): number {
    return this.#byId.size
  }

  get(id: string): Session | undefined {
    return this.#byId.get(id)
  }

  [Symbol.iterator](): IterableIterator<Session> {
    return this.#byId.values()
  }

  /** Makes a Client Identifier that begins with the prefix and that no session has [MQTT-3.2.2-16]. */
  unusedId(prefix: string): string {
    return `${prefix}${randomUUID()}`
  }

  /**
   * Why there is no room for one more session, for the client; undefined if there is, perhaps instead of one that is away and holds
   * nothing.
   * @param outlives whether it outlives its connection.
   */
  roomProblem(owner: string | undefined, outlives: boolean): string | undefined {
    const ofUser = this.#broker.quotas.sessionProblem(owner, outlives)
    if (ofUser !== undefined) {
      this.#broker.counters.refusedSessionsOfUser += 1
      return ofUser
    }
    if (!this.#isFull(outlives) || this.away.idleCount > 0) return undefined
    const bound = this.count >= this.#broker.config.maximumSessions ? 'maximumSessions' : 'maximumAwaySessions'
    return `There are as many sessions as ${bound} allows.`
  }

  /** Whether a client that connects resumes this session, if it does not ask for a new one. */
  resumes(session: Session | undefined): boolean {
    return session !== undefined && !this.#broker.expiredSessions.has(session)
  }

  /**
   * Does what is due for a client before it is answered: publishes its Will if it is due, and ends its session if it has
   * expired.
   * @param payer is charged for the work.
   */
  settle(id: string, payer: Payer): void {
    const session = this.#byId.get(id)
    if (session !== undefined && this.#broker.expiredSessions.has(session)) this.end(session, payer)
    this.#broker.wills.publishFor(id, payer)
  }

  /** A new session for a client. @param outlives whether it outlives its connection. Call `roomProblem` before. */
  create(identity: Identity, owner: string | undefined, outlives: boolean): Session {
    const { quotas } = this.#broker
    const quota = quotas.find(owner)
    if (quota !== undefined && quotas.isFull(quota, outlives)) this.#giveUp(quota.idle?.oldest)
    if (this.#isFull(outlives)) this.#giveUp(this.away.oldestIdle)
    const { clientId } = identity
    const session = new Session({ id: clientId, owner, identity }, this.#broker)
    this.#byId.set(clientId, session)
    session.quota.sessions += 1
    return session
  }

  /** Restores a session of the store. Call its `awaitClientAgain` when all are restored. */
  restore(stored: StoredSession): Session {
    const { id, userName: owner } = stored
    const session = new Session({ id, owner, identity: restoredIdentity(id, stored) }, this.#broker)
    this.#byId.set(id, session)
    session.quota.sessions += 1
    session.restore(stored)
    return session
  }

  /**
   * Ends a session and removes everything of it. Its Will is published, even if its delay is not over [MQTT-3.1.2-8].
   * @param payer is charged for the work, the Will included, which is published now. Without one the Will is published when its
   * turn comes.
   * @throws UnreadableStore if its messages, which other members of Shared Subscriptions may get, cannot be read. Nothing has
   * changed then.
   */
  end(session: Session, payer?: Payer): void {
    const { id } = session
    if (this.#byId.get(id) !== session) return
    const { wills, expiredSessions } = this.#broker
    const units = END_UNITS + session.outbox.waiting * STORED_MESSAGE_UNITS
    const left = session.persistent ? session.outbox.end() : []
    payer?.chargeWork(units)
    this.#byId.delete(id)
    session.quota.sessions -= 1
    this.away.delete(session)
    expiredSessions.delete(session)
    session.end(left)
    if (payer !== undefined) {
      wills.publishFor(id, payer)
      wills.publish(session, payer)
    } else if (session.will.cost > 0) wills.add(session)
  }

  #isFull(outlives: boolean): boolean {
    const { config } = this.#broker
    return this.#byId.size >= config.maximumSessions || (outlives && this.away.count >= awayBound(config))
  }

  /** Ends a session that holds nothing. */
  #giveUp(session: Session | undefined): void {
    if (session === undefined) return
    const { counters, log } = this.#broker
    counters.givenUpSessions += 1
    if (counters.givenUpSessions === 1) {
      const details = { client: session.id, sessions: this.#byId.size, away: this.away.count }
      log.warn(details, 'A session that held nothing was ended for a new one: further ones are counted and not logged')
    }
    this.end(session)
  }
}

// Units of work: a session ends, and a message that waits for it is read from the store.
const END_UNITS = 50
const STORED_MESSAGE_UNITS = 5
