import type { AuthenticationMethod } from '../../src/kinds/authentication-method.ts'
import type { Authorizer } from '../../src/kinds/authorizer.ts'
import type { Connection } from '../../src/kinds/connection.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { HandlerStage, PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import type { Router } from '../../src/kinds/router.ts'
import type { Store } from '../../src/kinds/store.ts'
import { Publish } from '../../src/mqtt/publish.ts'
import { Client } from './client.ts'
import { ClientLog } from './client-log.ts'
import type { HandlerConfig } from './config.ts'
import { DueWork } from './due-work.ts'
import { Journal } from './journal.ts'
import { Publications } from './publications.ts'
import { Pause } from './reading.ts'
import { Retained } from './retained.ts'
import { Sessions } from './sessions.ts'
import { SharedBacklogs } from './shared-backlogs.ts'
import { TICK_MS, timerWheel } from './timer-wheel.ts'
import { TurnScheduler } from './turn-scheduler.ts'

/** What happens to messages, counted since the start. */
export interface Totals {
  /** What the messages at QoS 1 and 2 cost that wait for sessions now, or are in flight and kept, and all Wills, in bytes. */
  queuedBytes: number
  /** The part of the Wills in it. */
  willBytes: number
  /** What the subscriptions of all sessions cost now, in bytes. */
  subscriptionBytes: number
  /** What the Packet Identifiers of messages at QoS 2 that clients have sent and not released cost now, in bytes. */
  unreleasedBytes: number
  /** Messages at QoS 2 without DUP whose Packet Identifier was not released: their clients had lost their state. */
  reusedIdentifiers: number
  /** Messages at QoS 0 that were not delivered because a subscriber took too long to read. */
  droppedQoS0: number
  /** Messages at QoS 1 and 2 that were dropped because the queue of a session was full. */
  dropped: number
  /** Those among them whose publisher was told. */
  refused: number
  /** Messages that waited for a session longer than they were allowed to. */
  expired: number
  /** Messages that were larger than their subscriber takes. */
  tooLarge: number
  /** Messages that were not accepted from their publisher. */
  refusedPublishes: number
  /** Connections that were closed because another client connected with the same Client Identifier. */
  takeovers: number
  /** Sessions that held nothing and were ended early to make room for a new one. */
  givenUpSessions: number
  /** Messages that were passed on over several turns of the event loop. */
  dividedPublishes: number
  /** Subscriptions that were refused because the filters of a client have too many levels. */
  refusedWildcardLevels: number
}

/** What the handler is made of. */
export interface Parts {
  readonly router: Router
  readonly store: Store
  readonly logger: Logger
  readonly authorizer?: Authorizer | undefined
  readonly authenticationMethods?: readonly AuthenticationMethod[]
}

/** What all clients share: the sessions, the retained messages, the router, and the one timer that watches them. */
export class MqttHandler implements HandlerStage {
  readonly role = 'handler'
  readonly config: HandlerConfig
  readonly router: Router
  readonly journal: Journal
  readonly log: Logger
  readonly clientLog: ClientLog
  readonly authorizer: Authorizer | undefined
  /** The authorizer's say on deliveries, where it has any. */
  readonly mayReceive: Authorizer['mayReceive']
  /** By their names. */
  readonly authenticationMethods: ReadonlyMap<string, AuthenticationMethod>

  /** Every open connection's. */
  readonly clients = new Set<Client>()
  /** Those that wait for the store, for answers or for messages: each batch that is durable asks them alone. */
  #awaiting = new Set<Client>()
  readonly sessions: Sessions
  readonly retained: Retained
  /** Work that takes more than a turn of the event loop. */
  readonly scheduler: TurnScheduler
  /** What falls due for many clients at once. */
  readonly due: DueWork
  readonly publications: Publications
  readonly sharedBacklogs: SharedBacklogs
  readonly keepAlive = timerWheel<Client>(true)
  /** The one PUBLISH packet that is filled for every client in turn. */
  readonly outgoing = new Publish()
  readonly totals: Totals = {
    queuedBytes: 0,
    willBytes: 0,
    subscriptionBytes: 0,
    unreleasedBytes: 0,
    reusedIdentifiers: 0,
    droppedQoS0: 0,
    dropped: 0,
    refused: 0,
    expired: 0,
    tooLarge: 0,
    refusedPublishes: 0,
    takeovers: 0,
    givenUpSessions: 0,
    dividedPublishes: 0,
    refusedWildcardLevels: 0,
  }
  readonly #timer: NodeJS.Timeout
  #recentMs = this.now()

  /** @throws when two authentication methods have the same name. */
  constructor(config: HandlerConfig, parts: Parts) {
    this.config = config
    this.router = parts.router
    this.journal = new Journal(parts.store)
    this.log = parts.logger
    this.clientLog = new ClientLog(parts.logger)
    this.authorizer = parts.authorizer
    this.mayReceive = parts.authorizer?.mayReceive?.bind(parts.authorizer)
    this.authenticationMethods = byName(parts.authenticationMethods ?? [])
    this.sessions = new Sessions(this)
    this.retained = new Retained(config, this.journal, this.log)
    this.scheduler = new TurnScheduler(this.log)
    this.due = new DueWork(this)
    this.publications = new Publications(this)
    this.sharedBacklogs = new SharedBacklogs(this)
    if (this.authorizer !== undefined && this.authenticationMethods.size === 0) {
      this.log.warn({}, 'User names are not proven: there is an authorizer, but no authentication method')
    }
    parts.store.onDurable(() => this.#release())
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  get authenticates(): boolean {
    return this.authenticationMethods.size > 0 && !this.config.allowUnauthenticated
  }

  /** Takes over what the store holds. Rejects when that cannot be read. */
  async restore(): Promise<void> {
    const { sessions, retained } = await this.journal.store.restore()
    this.retained.restore(retained)
    this.sessions.restore(sessions)
    if (sessions.length + retained.length === 0) return
    const counts = { sessions: sessions.length, retained: retained.length }
    this.log.info(counts, `${counts.sessions} sessions and ${counts.retained} retained messages restored`)
  }

  /** Milliseconds since 1970, on a clock that never steps back. */
  now(): number {
    return performance.timeOrigin + performance.now()
  }

  /** `now()` as of the last tick of the timer, at most `TICK_MS` old: for what is asked for each message. */
  get recentMs(): number {
    return this.#recentMs
  }

  open(connection: Connection, next: PacketReceiver): PacketReceiver {
    const client = new Client(connection, next, this)
    this.clients.add(client)
    return client
  }

  /** Ends its timers, completes what was begun and publishes the Wills that are due. The server has closed the connections. */
  stop(): void {
    clearInterval(this.#timer)
    this.due.drain()
    this.publications.completeAll()
    this.scheduler.stop()
  }

  /** Something for this client waits until the store is durable. */
  awaitStore(client: Client): void {
    this.#awaiting.add(client)
  }

  /** What was appended to the store is durable: answers leave, and messages at QoS 2. */
  #release(): void {
    const awaiting = this.#awaiting
    this.#awaiting = new Set()
    for (const client of awaiting) {
      if (this.clients.has(client)) this.#task('answers', () => this.#releaseFor(client))
    }
  }

  #releaseFor(client: Client): void {
    if (client.gate.waiting > 0) {
      client.gate.release()
      if (!client.gate.full) client.reading.resume(Pause.Answers)
    }
    const holds = client.session?.outbox.release() ?? false
    if (holds || client.gate.waiting > 0) this.#awaiting.add(client)
  }

  #tick(): void {
    const nowMs = performance.now()
    this.#recentMs = this.now()
    const { due, sessions } = this
    for (const client of this.keepAlive.advance(nowMs)) due.silentClients.add(client)
    for (const session of sessions.willDelay.advance(nowMs)) due.wills.add(session)
    for (const session of sessions.expiry.advance(nowMs)) due.expiredSessions.add(session)
    this.retained.beginSweep()
    due.sweep.add(this.retained)
  }

  /** What fails for one must not keep the others from their turn, nor stop the timer. */
  #task(name: string, task: () => void): void {
    try {
      task()
    } catch (error) {
      this.log.error({ err: error, task: name }, 'A task failed')
    }
  }
}

const byName = (methods: readonly AuthenticationMethod[]): ReadonlyMap<string, AuthenticationMethod> => {
  const named = new Map<string, AuthenticationMethod>()
  for (const method of methods) {
    if (named.has(method.name)) throw new Error(`two components provide the authentication method ${method.name}`)
    named.set(method.name, method)
  }
  return named
}
