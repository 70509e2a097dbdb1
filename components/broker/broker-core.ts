import { Change, liveConfig } from '../../src/collections/change.ts'
import type { Authorizer } from '../../src/kinds/authorizer.ts'
import type { Durability } from '../../src/kinds/durability.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { ReplaceableLogger } from '../../src/kinds/replaceable-logger.ts'
import type { Router } from '../../src/kinds/router.ts'
import type { SessionOwnership } from '../../src/kinds/session-ownership.ts'
import type { Store } from '../../src/kinds/store.ts'
import type { TurnTask } from '../../src/kinds/turn-scheduler.ts'
import { TICK_MS } from '../../src/mqtt/tick.ts'
import { Authorization } from './authorization.ts'
import type { BrokerState } from './broker-state.ts'
import { ClientAccess } from './client-access.ts'
import { ClientListeners } from './client-listeners.ts'
import type { BrokerConfig } from './config.ts'
import { newBrokerCounters } from './counters.ts'
import { EndedSessions } from './ended-sessions.ts'
import { ExpiredSessions } from './expired-sessions.ts'
import { newGauges } from './gauges.ts'
import { Journal } from './journal.ts'
import { localOwnership } from './ownership.ts'
import { Publication } from './publication.ts'
import { Publications } from './publications.ts'
import { Publishing } from './publishing.ts'
import { Restore } from './restore.ts'
import { Retained, type RetainedState } from './retained.ts'
import { RetainedSender } from './retained-sender.ts'
import { Revocation } from './revocation.ts'
import type { Session } from './session.ts'
import { Sessions } from './sessions.ts'
import { SharedBacklogs } from './shared-backlogs.ts'
import { StorePressureWatch } from './store-pressure.ts'
import { TurnQueue } from './turn-queue.ts'
import { TurnScheduler } from './turn-scheduler.ts'
import { ReadFailures } from './unreadable-store.ts'
import { UserQuotas } from './user-quotas.ts'
import { DueWills } from './will.ts'

/** The dependencies of the broker. */
export interface BrokerParts {
  readonly router: Router
  readonly store: Store
  readonly logger: Logger
  /** Asked in this order. Default: none. */
  readonly authorizers?: readonly Authorizer[]
  /** The ownership of sessions. Default: this process owns all of them. */
  readonly ownership?: SessionOwnership | undefined
  /** Further durabilities that answers wait for besides the store. */
  readonly durabilities?: readonly Durability[]
}

/**
 * The parts of the broker, made and wired in their order, and the one timer that drives them. Each part names what it needs of
 * the others in an interface of its own (`SessionContext`, `PublishingContext`, ...), which this class fulfils.
 */
export class BrokerCore {
  /** Changed in place by a reset. No part keeps a value of it. */
  readonly config: BrokerConfig
  router: Router
  readonly log: ReplaceableLogger
  readonly authorization: Authorization
  readonly revocation: Revocation
  readonly ownership: SessionOwnership
  readonly journal: Journal
  readonly gauges = newGauges()
  readonly counters = newBrokerCounters()
  /** What each user holds. */
  readonly quotas: UserQuotas<Session>

  /** Work that takes more than a turn of the event loop. */
  readonly scheduler: TurnScheduler
  readonly retained: Retained
  readonly sessions: Sessions
  readonly sharedBacklogs: SharedBacklogs
  readonly publications: Publications
  readonly publishing: Publishing
  readonly clientListeners: ClientListeners
  readonly forClients: ClientAccess

  // Work that may become due for many sessions at once, in order over several turns of the event loop.
  readonly wills: DueWills<Session>
  readonly endedSessions: EndedSessions
  /** Sessions whose Session Expiry Interval is over. */
  readonly expiredSessions: ExpiredSessions
  /** The search for retained messages that have expired. */
  readonly #sweep: TurnQueue<Retained>

  readonly #restore: Restore
  readonly #pressure: StorePressureWatch

  /** Sessions with answers or messages that wait for the store. Only these are called when a batch is durable. */
  #awaiting = new Set<Session>()
  #timer: NodeJS.Timeout | undefined
  readonly #durabilities: readonly Durability[]
  /** Ends the watch of each authorizer. */
  #endWatches: readonly (() => void)[] = []
  #recentMs = this.now()
  /** By sessions of the predecessor: the handler asks for them when it is adjusted. */
  readonly #successors = new WeakMap<object, Session>()

  constructor(
    config: BrokerConfig,
    { router, store, logger, authorizers = [], ownership = localOwnership, durabilities = [] }: BrokerParts,
  ) {
    this.config = liveConfig(config)
    this.router = router
    this.log = new ReplaceableLogger(logger)
    this.#durabilities = durabilities
    this.authorization = new Authorization(authorizers)
    this.ownership = ownership
    this.journal = new Journal(store, durabilities, new ReadFailures(this.log))
    this.quotas = new UserQuotas(this.config)
    this.scheduler = new TurnScheduler(this.log)
    this.retained = new Retained(this)
    this.sessions = new Sessions(this)
    this.#restore = new Restore(this)
    this.sharedBacklogs = new SharedBacklogs(this)
    this.publications = new Publications(this)
    this.publishing = new Publishing(this)
    this.wills = new DueWills(this)
    this.endedSessions = new EndedSessions(this)
    this.clientListeners = new ClientListeners(this.log)
    this.forClients = new ClientAccess(this)
    this.revocation = new Revocation(this)
    this.expiredSessions = new ExpiredSessions(this)
    this.#sweep = new TurnQueue('retained messages', this.scheduler, this.log, (retained) =>
      retained.sweep(this.now(), this.scheduler.payer),
    )
    this.#pressure = new StorePressureWatch(this)
  }

  /** Begins to act. Called once by the owner, or when it continues what another one gave. */
  begin(): void {
    this.#watchAuthorizers()
    this.journal.begin(this.#durable)
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  /**
   * For a successor. Changes nothing.
   * @throws an Error while something is under way that ends by itself and cannot change hands.
   */
  handOver(): BrokerState {
    if (this.retained.isRestoring) throw new Error('the retained messages of the store are still being read')
    if (this.publications.count > 0) throw new Error('a message is still being delivered, over several turns')
    const { gauges, counters, sessions, wills, endedSessions } = this
    const { spent, turns, mostInTurn } = this.scheduler
    const [present, dueWills, ended] = [[...sessions], wills.due, endedSessions.handOver()]
    const all = [...present, ...dueWills, ...ended.map(({ session }) => session)]
    return {
      pause: () => this.#pause(),
      ...{ gauges, counters, present, dueWills, ended, hasOwnRules: this.authorization.hasOwnRules },
      ...{ quotas: this.quotas.handOver(), journal: this.journal.handOver(), retained: this.retained.handOver() },
      states: new Map(all.map((session) => [session, session.handOver()])),
      ...{ connected: [...sessions.connected], away: sessions.away.handOver() },
      ...{ expired: this.expiredSessions.items, backlogs: this.sharedBacklogs.handOver() },
      // Without a client there is nothing to send.
      awaiting: [...this.#awaiting].filter(({ connected }) => connected),
      pressure: this.#pressure.handOver(),
      ...{ clientListeners: this.clientListeners.handOver(), isRevoking: this.revocation.isPending },
      scheduler: { spent, turns, mostInTurn },
    }
  }

  /** Continues what a predecessor gave, and begins to act. @returns takes it back. */
  takeOver(state: BrokerState): () => void {
    const steps = new Change([
      state.pause,
      () => this.retained.takeOver(this.#takeNumbers(state)),
      () => this.#takeSessions(state),
      () => this.router.replaceSubscribers?.((subscriber) => this.#successors.get(subscriber) ?? subscriber) ?? ignore,
      () => this.#take(state),
    ])
    try {
      steps.commit()
    } catch (error) {
      steps.undo()
      throw error
    }
    return () => steps.undo()
  }

  /** The session that continues a session of the predecessor. */
  successorOf(session: object): Session | undefined {
    return this.#successors.get(session)
  }

  #takeNumbers(state: BrokerState): RetainedState {
    Object.assign(this.gauges, state.gauges)
    Object.assign(this.counters, state.counters)
    Object.assign(this.scheduler, state.scheduler)
    this.authorization.takeOver(state.hasOwnRules)
    this.quotas.takeOver(state.quotas)
    this.journal.takeOver(state.journal)
    return state.retained
  }

  #takeSessions({ states, present, connected, away, quotas }: BrokerState): () => void {
    const { sessions } = this
    for (const [former, session] of states) this.#successors.set(former, sessions.successor(session))
    for (const former of present) sessions.adopt(this.#successor(former))
    for (const former of connected) sessions.connected.add(this.#successor(former))
    sessions.away.takeOver({ all: away.all.map(this.#successor), idle: away.idle.map(this.#successor) })
    for (const { numbers, idle } of quotas) this.quotas.takeOverIdle(numbers.user, idle.map(this.#successor))
    // Replays of retained messages are queued.
    return () => this.scheduler.stop()
  }

  #take(state: BrokerState): () => void {
    this.wills.takeOver(state.dueWills.map(this.#successor))
    this.expiredSessions.takeOver(state.expired.map(this.#successor))
    this.endedSessions.takeOver(state.ended, this.#successor)
    this.sharedBacklogs.takeOver(state.backlogs, this.#successor)
    for (const former of state.awaiting) this.#awaiting.add(this.#successor(former))
    this.#pressure.takeOver(state.pressure)
    this.clientListeners.takeOver(state.clientListeners)
    this.#recentMs = this.now()
    this.begin()
    if (state.isRevoking) this.revocation.begin()
    return () => this.end()
  }

  readonly #successor = (former: object): Session => {
    const successor = this.#successors.get(former)
    if (successor === undefined) throw new Error('a session that was not handed over is referred to')
    return successor
  }

  #pause(): () => void {
    this.end()
    const back = this.scheduler.takeOut(isOwnTask)
    return () => {
      back()
      this.begin()
    }
  }

  /** Acts no more. What it holds stays. */
  end(): void {
    clearInterval(this.#timer)
    for (const end of this.#endWatches) end()
    this.#endWatches = []
  }

  /** Restores the state of the store. Resolves when clients can be served; rejects if the state cannot be read. */
  async restore(): Promise<void> {
    await this.#restore.begin()
    // The rules may have changed since.
    this.revocation.begin()
  }

  /** Resolves when nothing more is restored: the retained messages follow while clients are served. */
  get restored(): Promise<void> {
    return this.#restore.finished
  }

  /** Milliseconds since 1970, on a clock that never steps back. */
  now(): number {
    return performance.timeOrigin + performance.now()
  }

  /** `now()` at the last tick of the timer, at most `TICK_MS` old. For checks that are made for each message. */
  get recentMs(): number {
    return this.#recentMs
  }

  /** Sessions with something that waits for the store. */
  get awaiting(): number {
    return this.#awaiting.size
  }

  /** Something of this session waits until the store is durable. */
  awaitStore(session: Session): void {
    this.#awaiting.add(session)
  }

  /** @throws an Error if durabilities or the ownership are others: what they promised would be forgotten. */
  checkSameGuarantees({ ownership = localOwnership, durabilities = [] }: BrokerParts): void {
    const areSame =
      durabilities.length === this.#durabilities.length &&
      durabilities.every((durability, index) => durability === this.#durabilities[index])
    if (!areSame) throw new Error('a durability was added, removed or replaced')
    if (ownership !== this.ownership) throw new Error('the ownership of sessions was replaced')
  }

  /** As `Journal.replaceStore`. */
  replaceStore(store: Store): () => void {
    const back = this.journal.replaceStore(store)
    this.journal.onDurable(this.#durable)
    return () => {
      back()
      this.journal.onDurable(this.#durable)
    }
  }

  /** Asks other authorizers from now on. @returns takes it back. */
  replaceAuthorizers(authorizers: readonly Authorizer[]): () => void {
    const back = this.authorization.adjust(authorizers)
    this.#watchAuthorizers()
    return () => {
      back()
      this.#watchAuthorizers()
    }
  }

  /** Stops the timers, completes divided work and publishes the Wills that are due. Call it when no client is connected. */
  stop(): void {
    this.end()
    this.#restore.stop()
    this.revocation.stop()
    this.wills.drain()
    this.endedSessions.drain()
    this.publications.completeAll()
    this.scheduler.stop()
  }

  #watchAuthorizers(): void {
    for (const end of this.#endWatches) end()
    this.#endWatches = this.authorization.authorizers.flatMap(
      (authorizer) => authorizer.onChange?.(() => this.revocation.begin()) ?? [],
    )
  }

  readonly #durable = (): void => {
    this.#pressure.update(performance.now())
    this.#release()
  }

  /** A batch of the store is durable, or it keeps pace again: sends the answers and the messages at QoS 2 that waited. */
  #release(): void {
    const awaiting = this.#awaiting
    this.#awaiting = new Set()
    for (const session of awaiting) {
      // An error for one session must not stop the others.
      try {
        if (session.releaseDurable()) this.#awaiting.add(session)
      } catch (error) {
        this.log.error({ err: error, task: 'answers' }, 'A task failed')
      }
    }
  }

  #tick(): void {
    const nowMs = performance.now()
    this.#recentMs = this.now()
    const { sessions } = this
    for (const session of sessions.willDelay.advance(nowMs)) this.wills.add(session)
    for (const session of sessions.expiry.advance(nowMs)) this.expiredSessions.add(session)
    this.expiredSessions.retry()
    this.sharedBacklogs.retry()
    this.retained.beginSweep()
    this.#sweep.add(this.retained)
  }
}

/** A task that the successor continues. The queues of other components are theirs. */
const isOwnTask = (task: TurnTask): boolean =>
  task instanceof TurnQueue
    ? task.isOwn
    : task instanceof RetainedSender || task instanceof SharedBacklogs || task instanceof Publication

const ignore = (): void => {}
