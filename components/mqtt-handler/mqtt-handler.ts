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
import { Client, type ClientContext } from './client.ts'
import { ClientLog } from './client-log.ts'
import type { HandlerConfig } from './config.ts'
import { Connecting } from './connecting.ts'
import { newHandlerCounters } from './counters.ts'
import { Dispatch } from './dispatch.ts'
import { MountPoint } from './mount-point.ts'
import { MountedClient } from './mounted-client.ts'
import { MountedDispatch } from './mounted-dispatch.ts'
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

/** Takes the packets of all clients, and watches the clients with one timer. */
export class MqttHandler implements HandlerStage, ClientContext {
  readonly role = 'handler'
  readonly config: HandlerConfig
  readonly broker: ClientBroker
  readonly log: Logger
  readonly clientLog: ClientLog
  readonly authenticationMethods: ReadonlyMap<string, AuthenticationMethod>
  readonly authenticators: Authenticators
  readonly authenticationExpiry: AuthenticationExpiry
  readonly counters = newHandlerCounters()
  readonly keepAlive = timerWheel<Client>(performance.now(), true)
  readonly outgoing = new Publish()
  readonly connecting: Connecting<Client>
  readonly userConnections: UserConnections<Client>
  readonly rates: PublishRates

  /** Of every open connection. */
  readonly clients = new Set<Client>()
  /** Clients that were silent for too long, or did not send CONNECT in time. */
  readonly silentClients: TurnQueue<Client>
  readonly #revocations: Revocations
  /** Of the listeners that have one, by their prefixes. */
  readonly #mountPoints = new Map<string, MountPoint>()
  readonly #terms: CurrentTerms
  readonly #timer: NodeJS.Timeout

  /** @throws when two authenticators or two authentication methods have the same name. */
  constructor(config: HandlerConfig, { broker, logger, authenticators = [], authenticationMethods = [] }: Parts) {
    this.config = config
    this.broker = broker.forClients
    this.log = logger
    this.clientLog = new ClientLog(logger)
    this.authenticationMethods = byName(authenticationMethods)
    this.authenticators = new Authenticators(authenticators, authenticationMethods.length > 0)
    this.authenticationExpiry = new AuthenticationExpiry(this.broker)
    this.#revocations = new Revocations(this.authenticators, this.clients, this.broker, logger)
    this.connecting = new Connecting(config.maximumConnecting)
    this.userConnections = new UserConnections(config.maximumConnectionsPerUser)
    this.rates = new PublishRates(config, this.counters, logger)
    this.#terms = new CurrentTerms(config)
    const { scheduler } = this.broker
    this.silentClients = this.broker.queue('keep alive', (client) => {
      scheduler.spend(SILENT_CLIENT_UNITS)
      client.expire()
      return false
    })
    if (this.broker.isAuthorized && this.authenticationMethods.size === 0 && this.authenticators.size === 0) {
      this.log.warn(
        {},
        'User names are not verified: there is an authorizer, but no authenticator and no authentication method',
      )
    }
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  authenticationOf(listener: ListenerOptions): ListenerAuthentication {
    return this.authenticators.describe(listener)
  }

  currentTerms(listener: ListenerOptions): Terms {
    return this.#terms.get(this.config, listener)
  }

  open(connection: Connection, next: PacketReceiver): PacketReceiver {
    const { mountPoint } = connection.listener
    if (mountPoint !== '') return this.#openMounted(connection, next, mountPoint)
    const client = new Client(connection, next, this)
    this.clients.add(client)
    return new Dispatch(client)
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
    this.clients.delete(client)
    this.silentClients.delete(client)
    this.authenticationExpiry.forget(client)
    this.connecting.end(client)
    this.userConnections.delete(client)
    if (client.rate !== undefined) this.rates.leave(client.rate)
    client.rate = undefined
  }

  /** Ends its timer. The server has closed the connections. */
  stop(): void {
    clearInterval(this.#timer)
    this.#revocations.stop()
    this.rates.stop()
  }

  #openMounted(connection: Connection, next: PacketReceiver, prefix: string): PacketReceiver {
    let mountPoint = this.#mountPoints.get(prefix)
    if (mountPoint === undefined) {
      mountPoint = new MountPoint(prefix)
      this.#mountPoints.set(prefix, mountPoint)
    }
    const client = new MountedClient(connection, next, this, mountPoint)
    this.clients.add(client)
    return new MountedDispatch(client, mountPoint)
  }

  #tick(): void {
    for (const client of this.keepAlive.advance(performance.now())) this.silentClients.add(client)
    this.authenticationExpiry.advance()
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
