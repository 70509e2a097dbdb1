import type { AuthenticationMethod } from '../../src/kinds/authentication-method.ts'
import type { Authenticator } from '../../src/kinds/authenticator.ts'
import type { Broker } from '../../src/kinds/broker.ts'
import type { ClientBroker } from '../../src/kinds/client-broker.ts'
import type { Connection } from '../../src/kinds/connection.ts'
import type { ListenerAuthentication } from '../../src/kinds/listener-authentication.ts'
import type { ListenerOptions } from '../../src/kinds/listener-options.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { HandlerStage, PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import type { TurnQueue } from '../../src/kinds/turn-scheduler.ts'
import { Publish } from '../../src/mqtt/publish.ts'
import { TICK_MS, timerWheel } from '../../src/mqtt/tick.ts'
import { AuthenticationExpiry } from './authentication-expiry.ts'
import { Authenticators } from './authenticators.ts'
import { Client } from './client.ts'
import type { ClientContext, ClientLateAnswer } from './client-context.ts'
import { ClientLog } from './client-log.ts'
import { type ClientRecord, type DispatchRecord, RECORD_VERSION } from './client-record.ts'
import type { HandlerConfig } from './config.ts'
import { Connecting } from './connecting.ts'
import { continueClient } from './continue-client.ts'
import { continueCounters, newHandlerCounters } from './counters.ts'
import { Dispatch } from './dispatch.ts'
import type { HandlerRecord, HandlerSeat, RevocationListener } from './handler-record.ts'
import { EndedLateAnswer } from './late-answers.ts'
import { MountPoint } from './mount-point.ts'
import { MountedClient } from './mounted-client.ts'
import { MountedDispatch } from './mounted-dispatch.ts'
import { Phase } from './phase.ts'
import { PublishRates } from './publish-rate.ts'
import { Revocations } from './revocations.ts'
import { CurrentTerms, type Terms } from './terms.ts'
import { UserConnections } from './user-connections.ts'

/** The work of ending a client that was silent for too long, in units; measured. */
const SILENT_CLIENT_UNITS = 150

/** The dependencies of the handler. */
export interface Parts {
  readonly broker: Pick<Broker, 'forClients'>
  readonly logger: Logger
  readonly authenticators?: readonly Authenticator[]
  readonly authenticationMethods?: readonly AuthenticationMethod[]
}

/**
 * Takes the packets of all clients, and watches the clients with one timer. It is made passive: it acts after `start`, or after
 * `continueWith` in place of another one.
 */
export class MqttHandler implements HandlerStage, ClientContext<Client>, RevocationListener {
  readonly role = 'handler'
  readonly format = 'mqtt-handler'
  // `adjustHandler` changes these.
  config: HandlerConfig
  broker: ClientBroker
  log: Logger
  authenticationMethods: ReadonlyMap<string, AuthenticationMethod>
  readonly clientLog: ClientLog
  readonly authenticators: Authenticators
  readonly authenticationExpiry: AuthenticationExpiry
  readonly counters = newHandlerCounters()
  keepAlive = timerWheel<Client>(performance.now(), true)
  readonly outgoing = new Publish()
  readonly connecting: Connecting<Client>
  readonly userConnections: UserConnections<Client>
  readonly rates: PublishRates

  /** Of every open connection. */
  readonly clients = new Set<Client>()
  /** Clients that were silent for too long, or did not send CONNECT in time. */
  silentClients: TurnQueue<Client>
  readonly lateAnswers = new Set<ClientLateAnswer>()
  readonly revocations: Revocations
  /** By reference also in the handler before, if there was one. */
  seat: HandlerSeat = { to: this, registered: new Map() }
  /** Of the listeners that have one, by their prefixes. */
  readonly #mountPoints = new Map<string, MountPoint>()
  readonly #terms: CurrentTerms
  #timer: NodeJS.Timeout | undefined

  /** @throws when two authenticators or two authentication methods have the same name. */
  constructor(config: HandlerConfig, { broker, logger, authenticators = [], authenticationMethods = [] }: Parts) {
    this.config = config
    this.broker = broker.forClients
    this.log = logger
    this.clientLog = new ClientLog(logger)
    this.authenticationMethods = byName(authenticationMethods)
    this.authenticators = new Authenticators(authenticators, authenticationMethods.length > 0)
    this.authenticationExpiry = new AuthenticationExpiry(this.broker)
    this.revocations = new Revocations(this.authenticators, this.clients, this.broker, logger)
    this.connecting = new Connecting(config.maximumConnecting)
    this.userConnections = new UserConnections(config.maximumConnectionsPerUser)
    this.rates = new PublishRates(config, this.counters, logger)
    this.#terms = new CurrentTerms(config)
    this.silentClients = silentClientsOf(this.broker)
  }

  /** Begins to act. */
  start(): this {
    if (this.broker.isAuthorized && this.authenticationMethods.size === 0 && this.authenticators.size === 0) {
      this.log.warn(
        {},
        'User names are not verified: there is an authorizer, but no authenticator and no authentication method',
      )
    }
    this.revocations.listen(this.seat)
    this.#timer = this.#beginTicks()
    return this
  }

  /** Its state without the clients, for the handler that continues. Changes nothing. */
  handOver(): HandlerRecord {
    return {
      seat: this.seat,
      counters: this.counters,
      clientLog: this.clientLog.handOver(),
      authenticators: this.authenticators.handOver(),
      revoking: this.revocations.handOver(),
      rates: this.rates.handOver(),
      keepAliveMs: this.keepAlive.nowMs,
      lateAnswers: [...this.lateAnswers].map((late) => late.handOverEnded(this.broker)),
    }
  }

  /** Begins to act in place of another handler. The clients follow by `open`. @returns takes it back. */
  continueWith(record: HandlerRecord): () => void {
    const { seat } = record
    // Up to `listen` only this handler changes, and what throws leaves nothing to undo.
    continueCounters(this.counters, record.counters)
    this.clientLog.continueWith(record.clientLog)
    this.authenticators.continueWith(record.authenticators)
    this.rates.continueWith(record.rates)
    this.keepAlive = timerWheel(record.keepAliveMs, true)
    this.seat = seat
    const replaced = this.#replacedSince(seat)
    const stopListening = this.revocations.listen(seat)
    const before = seat.to
    seat.to = this
    const returnAnswers = this.#continueLateAnswers(record)
    const timer = this.#beginTicks()
    this.#timer = timer
    // In its own turn: no client is ended in the one in which the reset is applied.
    const afterwards = setImmediate(() => {
      for (const name of new Set([...record.revoking, ...replaced])) this.revocations.check(name)
      this.revocations.forgetRemoved(seat)
    })
    return () => {
      clearImmediate(afterwards)
      clearInterval(timer)
      returnAnswers()
      stopListening()
      seat.to = before
    }
  }

  revoked(authenticator: Authenticator): void {
    this.revocations.revoked(authenticator)
  }

  authenticationOf(listener: ListenerOptions): ListenerAuthentication {
    return this.authenticators.describe(listener)
  }

  currentTerms(listener: ListenerOptions): Terms {
    return this.#terms.get(this.config, listener)
  }

  /** @throws when what was handed over has another form, or belongs to a session that the broker does not have. */
  open(connection: Connection, next: PacketReceiver, handed?: unknown): PacketReceiver {
    const record = handed as DispatchRecord | undefined
    if (record !== undefined && record.version !== RECORD_VERSION) {
      throw new Error('the state of the client of a connection has another version')
    }
    const { mountPoint: prefix } = connection.listener
    if (prefix === '') {
      const client = new Client(connection, next, this, record?.client)
      this.#opened(client, record)
      return new Dispatch(client, record)
    }
    const mountPoint = this.#mountPoint(prefix)
    const client = new MountedClient(connection, next, this, mountPoint, record?.client)
    this.#opened(client, record)
    return new MountedDispatch(client, mountPoint, record)
  }

  continues(client: Client, { rate, expiresAtMs, isConnecting }: ClientRecord): void {
    if (expiresAtMs !== undefined) this.authenticationExpiry.watch(client, expiresAtMs)
    if (isConnecting) this.connecting.continues(client)
    if (client.phase < Phase.Accepted) return
    this.userConnections.add(client)
    const { clientId } = client.identity
    // The config may have further limits now.
    client.rate = this.rates.join(client, clientId, rate && this.rates.rejoin(client, clientId, rate))
  }

  left(client: Client): void {
    this.#forget(client)
    if (client.rate !== undefined) this.rates.forget(client.rate)
  }

  accepted(client: Client): void {
    this.counters.connects += 1
    this.counters.connectedByVersion[client.connection.protocolVersion]! += 1
    this.silentClients.delete(client)
    this.connecting.end(client)
    this.userConnections.add(client)
    client.rate = this.rates.join(client, client.identity.clientId)
  }

  ended(client: Client): void {
    this.#forget(client)
    if (client.rate !== undefined) this.rates.leave(client.rate)
    client.rate = undefined
  }

  /** Ends its timers. The server has closed the connections, or another handler has them. */
  stop(): void {
    clearInterval(this.#timer)
    this.revocations.stop(this.seat.to === this ? this.seat : undefined)
    this.rates.stop()
  }

  #opened(client: Client, record: DispatchRecord | undefined): void {
    if (record !== undefined) continueClient(client, record.client)
    if (client.phase !== Phase.Ended) this.clients.add(client)
  }

  #forget(client: Client): void {
    this.clients.delete(client)
    this.silentClients.delete(client)
    this.authenticationExpiry.forget(client)
    this.connecting.end(client)
    this.userConnections.delete(client)
  }

  #mountPoint(prefix: string): MountPoint {
    let mountPoint = this.#mountPoints.get(prefix)
    if (mountPoint === undefined) {
      mountPoint = new MountPoint(prefix)
      this.#mountPoints.set(prefix, mountPoint)
    }
    return mountPoint
  }

  /**
   * The names of authenticators that are other ones than those before, or come back. What they answered before is checked again.
   */
  #replacedSince({ registered }: HandlerSeat): string[] {
    const replaced = [...this.authenticators].filter(({ authenticator }) => !registered.has(authenticator))
    for (const record of replaced) record.revision += 1
    return replaced.map(({ name }) => name)
  }

  #continueLateAnswers({ lateAnswers }: HandlerRecord): () => void {
    const undo: (() => void)[] = []
    for (const { session, broker, isVersion5, ...record } of lateAnswers) {
      const successor = broker === this.broker ? session : this.broker.successorOf?.(session)
      const { port } = record
      const { to } = port
      undo.push(() => {
        port.to = to
      })
      port.to = undefined
      // Without a session there is nothing to remember.
      if (successor === undefined) continue
      const late = new EndedLateAnswer(record, successor, isVersion5, this)
      port.to = late
      this.lateAnswers.add(late)
    }
    return () => {
      for (const each of undo) each()
    }
  }

  /** A function of its own: a callback keeps all that is in its scope, and a scope with a former handler would keep that in memory. */
  #beginTicks(): NodeJS.Timeout {
    return setInterval(() => this.#tick(), TICK_MS)
  }

  #tick(): void {
    // Another handler is in its place, and it was not told yet.
    if (this.seat.to !== this) return
    for (const client of this.keepAlive.advance(performance.now())) this.silentClients.add(client)
    this.authenticationExpiry.advance()
  }
}

/** The work of ending clients that were silent for too long. */
export const silentClientsOf = (broker: ClientBroker): TurnQueue<Client> =>
  broker.queue('keep alive', (client) => {
    broker.scheduler.spend(SILENT_CLIENT_UNITS)
    client.expire()
    return false
  })

/** @throws when two have the same name. */
export const byName = (methods: readonly AuthenticationMethod[]): ReadonlyMap<string, AuthenticationMethod> => {
  const named = new Map<string, AuthenticationMethod>()
  for (const method of methods) {
    if (named.has(method.name)) throw new Error(`two components provide the authentication method ${method.name}`)
    named.set(method.name, method)
  }
  return named
}
