import type { Logger } from '../../src/kinds/logger.ts'
import type { TurnScheduler } from '../../src/kinds/turn-scheduler.ts'
import { type Subscription, sharedFilter } from '../../src/mqtt/subscription.ts'
import type { Authorization } from './authorization.ts'
import type { BrokerCounters } from './counters.ts'
import { describeSession } from './describe-session.ts'
import type { Session } from './session.ts'
import { unsubscribeUnits } from './subscription-cost.ts'
import { TurnQueue } from './turn-queue.ts'

/** The parts of the broker that revocation uses. */
export interface RevocationContext {
  readonly authorization: Authorization
  readonly sessions: Iterable<Session>
  readonly counters: BrokerCounters
  readonly scheduler: TurnScheduler
  readonly log: Logger
}

/** Clients that are named in the log in one pass over all sessions. */
const NAMED_CLIENTS = 10

/** Units of work for each session. */
const SESSION_UNITS = 2

/** One pass over all sessions, or over one. */
interface Pass {
  readonly sessions: Iterator<Session>
  session: Session | undefined
  subscriptions: Iterator<Subscription>
  /** Subscriptions of the present session that were ended. */
  ended: number
  endedInAll: number
  clients: number
}

/**
 * Ends the subscriptions that are no longer allowed when rules have changed: those of all sessions, with a client or without,
 * over several turns of the event loop. Until its turn comes, a subscription delivers nothing that may not be received, since each
 * delivery asks as well.
 */
export class Revocation {
  readonly #broker: RevocationContext
  readonly #queue: TurnQueue<Pass>
  #current: Pass | undefined
  /** The rules have changed during the pass. */
  #again = false
  #isStopped = false

  constructor(broker: RevocationContext) {
    this.#broker = broker
    const { scheduler, log } = broker
    this.#queue = new TurnQueue('revocation', scheduler, log, (pass) => this.#step(pass))
  }

  /** Whether a pass is under way. */
  get isBusy(): boolean {
    return this.#current !== undefined
  }

  /** The rules have changed. Asks again about every subscription. */
  begin(): void {
    if (this.#isStopped || !this.#broker.authorization.hasAuthorizers) return
    if (this.#current !== undefined) {
      this.#again = true
      return
    }
    this.#again = false
    this.#current = newPass(this.#broker.sessions)
    this.#queue.add(this.#current)
  }

  /** The client of a session has another identity than before. Asks again about its subscriptions. */
  recheck(session: Session): void {
    if (!this.#isStopped) this.#queue.add(newPass([session]))
  }

  /** Whether anything is yet to be asked about, for a successor, which begins anew. */
  get isPending(): boolean {
    return this.#queue.size > 0
  }

  /** Ends the pass. Rules may change when the broker has stopped. */
  stop(): void {
    this.#isStopped = true
  }

  #step(pass: Pass): boolean {
    if (this.#isStopped) return false
    const next = pass.session === undefined ? undefined : pass.subscriptions.next()
    if (next?.done === false) {
      this.#ask(pass, pass.session!, next.value)
      return true
    }
    this.#finishSession(pass)
    const following = pass.sessions.next()
    this.#broker.scheduler.spend(SESSION_UNITS)
    if (following.done === true) return this.#finish(pass)
    pass.session = following.value
    pass.subscriptions = following.value.subscriptions.values()
    return true
  }

  #ask(pass: Pass, session: Session, subscription: Subscription): void {
    const { scheduler, counters } = this.#broker
    const { filter } = subscription
    if (session.hasEnded || this.#isAllowed(session, subscription)) return
    scheduler.spend(unsubscribeUnits(filter))
    session.unsubscribe(filter)
    pass.ended += 1
    counters.endedSubscriptions += 1
  }

  /** A Shared Subscription is checked by its Topic Filter. An authorizer that throws allows nothing, and the pass continues. */
  #isAllowed({ identity }: Session, subscription: Subscription): boolean {
    const { authorization, scheduler, log } = this.#broker
    const filter = sharedFilter(subscription.filter)?.filter ?? subscription.filter
    try {
      scheduler.spend(authorization.subscribeUnits(identity, filter))
      return authorization.maySubscribe(identity, filter, subscription.qos)
    } catch (error) {
      log.error({ err: error, task: 'revocation' }, 'A task failed')
      return false
    }
  }

  #finishSession(pass: Pass): void {
    const { session, ended } = pass
    pass.session = undefined
    pass.ended = 0
    if (session === undefined || ended === 0) return
    pass.endedInAll += ended
    pass.clients += 1
    if (pass.clients > NAMED_CLIENTS) return
    const { text, fields } = describeSession(session)
    const what = ended === 1 ? 'A subscription' : `${ended} subscriptions`
    this.#broker.log.info({ ...fields, subscriptions: ended }, `${what} ended, no longer authorized: ${text}`)
  }

  #finish(pass: Pass): false {
    const { endedInAll, clients } = pass
    if (clients > NAMED_CLIENTS) {
      const counts = { subscriptions: endedInAll, clients }
      this.#broker.log.info(counts, `${endedInAll} subscriptions of ${clients} clients ended, no longer authorized`)
    }
    if (pass !== this.#current) return false
    this.#current = undefined
    if (this.#again) this.begin()
    return false
  }
}

const newPass = (sessions: Iterable<Session>): Pass => ({
  sessions: sessions[Symbol.iterator](),
  session: undefined,
  subscriptions: [][Symbol.iterator](),
  ended: 0,
  endedInAll: 0,
  clients: 0,
})
