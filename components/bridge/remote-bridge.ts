import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { IConnectPacket } from 'mqtt-packet'
import { Backoff } from '../../src/collections/backoff.ts'
import { Change, expectEqual, expectSame, liveConfig, replacing } from '../../src/collections/change.ts'
import { LogInterval } from '../../src/collections/log-interval.ts'
import type { Bridge } from '../../src/kinds/bridge.ts'
import type { Broker, VolatileTopics } from '../../src/kinds/broker.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { ReplaceableLogger } from '../../src/kinds/replaceable-logger.ts'
import { describeReasonCode } from '../../src/mqtt/describe-reason-code.ts'
import { Message } from '../../src/mqtt/message.ts'
import { AwayRecipient } from './away-recipient.ts'
import { bridgeIdentity, stateTopic } from './bridge-names.ts'
import type { BridgeConfig, BridgeServer } from './config.ts'
import { newBridgeCounters } from './counters.ts'
import { encodePublish } from './encode-publish.ts'
import { encodeHop } from './hops.ts'
import { LocalSession } from './local-session.ts'
import { type PoisonMessage, PoisonWatch } from './poison-watch.ts'
import { Relay, type RelayContext } from './relay.ts'
import { RemoteLink, type RemoteLinkOptions } from './remote-link.ts'
import { RemoteSession } from './remote-session.ts'
import type { RemoteTerms } from './remote-terms.ts'
import { TopicMap } from './topic-map.ts'

/** If the remote broker ends connections without CONNACK, each such attempt does not ask for the private extension. */
const PRIVATE_ATTEMPTS = 3

/** At most one line in this time about refused messages, in milliseconds. */
const LOG_INTERVAL_MS = 10_000

/** What a bridge that is connected takes over. The connection after the next failure is made by it. */
const IN_PLACE: ReadonlySet<keyof BridgeConfig> = new Set([
  'password',
  'passwordFile',
  'connectTimeoutMs',
  'minimumRetryMs',
  'maximumRetryMs',
] as const)

/** A bridge to a remote broker: connects, connects again after a failure, and reports its state. */
export class RemoteBridge implements Bridge {
  readonly name: string
  readonly counters = newBridgeCounters()
  readonly sessionId: string
  readonly #config: BridgeConfig
  readonly #broker: Broker
  readonly #log: ReplaceableLogger
  readonly #clientId: string
  readonly #topics: TopicMap
  readonly #local: LocalSession
  readonly #identity: ReturnType<typeof bridgeIdentity>
  readonly #hop: Buffer
  readonly #backoff: Backoff
  readonly #poison: PoisonWatch
  readonly #remoteSession: RemoteSession
  readonly #refusals = new LogInterval(LOG_INTERVAL_MS)
  /** The server of the connection, or of the next attempt. */
  #serverIndex = 0
  #link: RemoteLink | undefined
  #relay: Relay | undefined
  #retry: NodeJS.Timeout | undefined
  /** The time before the last attempt. */
  #delayMs = 0
  /** When messages began to flow; Infinity while they do not. */
  #readyAtMs = Number.POSITIVE_INFINITY
  #isStopped = false
  /** Whether the failure of this outage was logged. */
  #isOutageLogged = false
  /** MQTT 3.1.1: whether the next CONNECT packet asks for the private extension. */
  #asksPrivate: boolean
  /** Connections that the remote broker ended without CONNACK. */
  #silentEnds = 0
  /** The state in `$SYS`; undefined before the first. */
  #published: '0' | '1' | undefined
  readonly #states: VolatileTopics
  lastFailure: string | undefined

  constructor(name: string, config: BridgeConfig, broker: Broker, log: Logger) {
    this.name = name
    this.#config = liveConfig(config)
    this.#broker = broker
    this.#log = new ReplaceableLogger(log)
    this.#states = broker.volatileTopics()
    this.#clientId = config.clientId ?? `${hostname()}.${name}`
    this.#topics = new TopicMap(config.topics)
    this.#identity = bridgeIdentity(name, config.localUserName)
    this.sessionId = this.#identity.clientId
    this.#hop = encodeHop(config.brokerId ?? processId())
    this.#backoff = new Backoff(config.minimumRetryMs, config.maximumRetryMs)
    this.#asksPrivate = config.tryPrivate
    // Without a session that is kept no message is sent again.
    const attempts = config.cleanStart ? 0 : config.maximumSendAttempts
    this.#poison = new PoisonWatch(attempts)
    this.#remoteSession = new RemoteSession(attempts)
    this.#local = new LocalSession({
      ...{ broker, identity: this.#identity, filters: this.#topics.localFilters },
      expiryIntervalSeconds: config.cleanStart ? 0 : config.sessionExpirySeconds,
      refused: (filter, why) =>
        this.#log.warn({ filter, why }, `Bridge ${name} may not subscribe to ${filter} at this broker: ${why}`),
    })
  }

  /**
   * Prepares another config. The password and the files of `tls` are read for each connection, so other contents need nothing.
   * @throws an Error for a change that concerns the connection or the session: they begin anew then.
   */
  adjust(config: BridgeConfig, broker: Broker, log: Logger): Change {
    expectSame({ broker: this.#broker }, { broker }, 'broker')
    const names = Object.keys({ ...this.#config, ...config }) as (keyof BridgeConfig)[]
    expectEqual(this.#config, config, ...names.filter((name) => !IN_PLACE.has(name)))
    return new Change([
      replacing(this.#config, config),
      () => this.#log.replace(log),
      () => this.#backoff.adjust(config.minimumRetryMs, config.maximumRetryMs),
    ])
  }

  get connected(): boolean {
    return this.#relay?.isReady === true
  }

  get remote(): string {
    return describeServer(this.#server)
  }

  get inflight(): number {
    return this.#broker.session(this.sessionId)?.inflight ?? 0
  }

  get waiting(): number {
    return this.#broker.session(this.sessionId)?.waiting ?? 0
  }

  /**
   * Opens the session at this broker, so that messages wait in it from now on, and begins to connect. Resolves without waiting for the
   * remote broker. @throws Error if the session is refused.
   */
  async start(): Promise<void> {
    await this.#local.claim()
    if (!this.#config.cleanStart) {
      const session = this.#local.open(new AwayRecipient(this.#identity, this.#description), 1, 2, false)
      session.detach(undefined, false)
    }
    this.#publishState('0')
    if (this.#canLoop) this.#warnOfLoops()
    this.#connect()
  }

  /** Disconnects. Messages wait in the session until the bridge starts again. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#retry)
    if (this.#relay?.isReady === true) this.#notifyRemote('0')
    this.#relay?.ended()
    await this.#link?.end()
    this.#publishState('0')
    this.#states.close()
  }

  get #server(): BridgeServer {
    return this.#config.servers[this.#serverIndex % this.#config.servers.length]!
  }

  get #isVersion5(): boolean {
    return this.#config.protocolVersion === '5.0'
  }

  get #maximumInflight(): number {
    return this.#config.maximumInflight ?? (this.#isVersion5 ? 100 : 20)
  }

  get #canLoop(): boolean {
    return !this.#isVersion5 && !this.#asksPrivate && this.#topics.isTwoWay
  }

  get #description() {
    return { text: `bridge ${this.name} to ${this.remote}`, fields: { bridge: this.name, server: this.remote } }
  }

  #connect(): void {
    void this.#open().catch((error: unknown) => this.#failed((error as Error).message))
  }

  async #open(): Promise<void> {
    const connect = await this.#connectPacket()
    if (this.#isStopped) return
    const { tls, connectTimeoutMs, maximumPacketSize, maximumPendingBytes, keepAliveSeconds } = this.#config
    const options: RemoteLinkOptions = {
      ...{ server: this.#server, tls, connectTimeoutMs, maximumPacketSize, maximumPendingBytes },
      ...{ keepAliveSeconds, connect },
    }
    const link: RemoteLink = new RemoteLink(options, {
      accepted: (terms) => void this.#accepted(link, terms).catch((error: Error) => link.close(error.message)),
      readable: () => this.#relay?.process(),
      drained: () => this.#relay?.drained(),
      closed: (why, wasAccepted) => this.#closed(link, why, wasAccepted),
    })
    this.#link = link
    link.open()
  }

  async #connectPacket(): Promise<RemoteLinkOptions['connect']> {
    const { cleanStart, sessionExpirySeconds, maximumPacketSize, userName } = this.#config
    const password = await this.#password()
    return {
      ...{ clientId: this.#clientId, protocolId: 'MQTT', clean: cleanStart },
      ...(userName !== undefined && { username: userName }),
      ...(password !== undefined && { password }),
      ...(this.#config.notifications && { will: this.#will() }),
      ...(this.#isVersion5
        ? {
            protocolVersion: 5,
            properties: {
              sessionExpiryInterval: cleanStart ? 0 : sessionExpirySeconds,
              ...{ receiveMaximum: this.#maximumInflight, maximumPacketSize },
            },
          }
        : { protocolVersion: 4, bridgeMode: this.#asksPrivate }),
    }
  }

  async #password(): Promise<Buffer | undefined> {
    const { password, passwordFile } = this.#config
    if (passwordFile === undefined) return password === undefined ? undefined : Buffer.from(password)
    return Buffer.from((await readFile(passwordFile, 'utf8')).replace(/\r?\n$/, ''))
  }

  #will(): NonNullable<IConnectPacket['will']> {
    return { topic: this.#notificationTopic, payload: Buffer.from('0'), qos: 0, retain: true }
  }

  get #notificationTopic(): string {
    return this.#config.notificationTopic ?? stateTopic(this.#clientId)
  }

  async #accepted(link: RemoteLink, terms: RemoteTerms): Promise<void> {
    await this.#local.claim()
    if (link.isClosed || this.#isStopped) return
    const relay = new Relay(this.#relayContext(link, terms), link, terms)
    const receiveMaximum = Math.min(terms.receiveMaximum, this.#maximumInflight)
    const session = this.#local.open(relay, receiveMaximum, terms.maximumQoS, !terms.sessionPresent)
    this.#relay = relay
    relay.begin(session, this.#local.isFresh)
  }

  #relayContext(link: RemoteLink, terms: RemoteTerms): RelayContext {
    const { hops, maximumHops } = this.#config
    return {
      ...{ broker: this.#broker.forClients, identity: this.#identity, counters: this.counters, topics: this.#topics },
      ...{ hop: hops && this.#isVersion5 ? this.#hop : undefined, maximumHops, description: this.#description },
      ...{ poison: this.#poison, remoteSession: this.#remoteSession },
      messageDropped: (message) => this.#messageDropped(message),
      unacceptable: (topic, size, why) =>
        this.#log.warn(
          { server: this.remote, topic, size, why },
          `Message for bridge ${this.name} dropped: ${this.remote} sent ${topic} (${size} bytes) again and again: ${why}`,
        ),
      subscriptionRefused: (filter, reasonCode) => {
        const reason = describeReasonCode(reasonCode)
        this.#log.warn(
          { filter, reasonCode },
          `Bridge ${this.name} may not subscribe to ${filter} at ${this.remote}: ${reason}`,
        )
      },
      messageRefused: (by, reasonCode, topic) => this.#messageRefused(by, reasonCode, topic),
      ready: () => this.#ready(link, terms),
    }
  }

  #ready(link: RemoteLink, { sessionPresent }: RemoteTerms): void {
    this.counters.connections += 1
    this.#local.settled()
    this.#readyAtMs = performance.now()
    this.#isOutageLogged = false
    this.#publishState('1')
    this.#notifyRemote('1')
    const version = link.version === 5 ? 'MQTT 5' : 'MQTT 3.1.1'
    const session = sessionPresent ? 'session resumed' : 'new session'
    this.#log.info(
      { server: this.remote, clientId: this.#clientId, sessionPresent },
      `Bridge connected: ${this.name} to ${this.remote} as ${this.#clientId} (${version}, ${session})`,
    )
  }

  #closed(link: RemoteLink, why: string, wasAccepted: boolean): void {
    this.#link = undefined
    this.#relay?.ended()
    this.#relay = undefined
    if (this.#isStopped) return
    if (!wasAccepted) this.#reconsiderPrivate(link)
    this.#failed(why)
  }

  /** A broker that does not know the private extension says so, or ends the connection, as brokers do for other reasons, too. */
  #reconsiderPrivate({ versionRefusal }: RemoteLink): void {
    if (versionRefusal === undefined || this.#isVersion5 || !this.#config.tryPrivate) return
    if (versionRefusal === 'silent') this.#silentEnds += 1
    this.#asksPrivate = versionRefusal === 'silent' && this.#silentEnds % PRIVATE_ATTEMPTS !== 0
    if (this.#canLoop) this.#warnOfLoops()
  }

  /** The connection or the attempt has failed: the next attempt follows. */
  #failed(why: string): void {
    if (this.#isStopped) return
    this.counters.failures += 1
    this.lastFailure = why
    this.#publishState('0')
    // A remote broker that accepts the bridge and ends its connection at once is not asked more and more often.
    if (performance.now() - this.#readyAtMs >= this.#delayMs) this.#backoff.reset()
    this.#readyAtMs = Number.POSITIVE_INFINITY
    const delayMs = this.#backoff.next()
    this.#delayMs = delayMs
    const details = { server: this.remote, why, delayMs }
    const text = `Bridge not connected: ${this.name} to ${this.remote}: ${why}. The next attempt follows in ${delayMs} ms`
    // Once for each outage: it may last for days.
    if (this.#isOutageLogged) this.#log.debug(details, text)
    else this.#log.warn(details, `${text}; further failures are logged at debug`)
    this.#isOutageLogged = true
    this.#serverIndex += 1
    this.#retry = setTimeout(() => this.#connect(), delayMs)
  }

  #publishState(state: '0' | '1'): void {
    if (this.#published === state) return
    this.#published = state
    this.#states.publish(stateTopic(this.name), state, 1)
  }

  /** At QoS 0: a Packet Identifier would have to be kept apart from those of the session. */
  #notifyRemote(state: '0' | '1'): void {
    const link = this.#link
    if (!this.#config.notifications || link === undefined) return
    const packet = { qos: 0, retain: true, dup: false, packetIdentifier: 0, messageExpiryInterval: -1 } as const
    const topic = Buffer.from(this.#notificationTopic)
    const message = Message.of({ topic, payload: state })
    link.write(encodePublish({ ...packet, topic, message, hop: Buffer.alloc(0) }, link.version === 5))
  }

  #messageRefused(by: 'here' | 'remote', reasonCode: number, topic: string): void {
    if (!this.#refusals.begin()) return
    const who = by === 'here' ? 'this broker' : this.remote
    this.#log.warn(
      { by, reasonCode, ...(topic !== '' && { topic }) },
      `Message of bridge ${this.name} refused by ${who}: ${describeReasonCode(reasonCode)}; further ones are counted`,
    )
  }

  #messageDropped({ topic, size }: PoisonMessage): void {
    this.counters.undeliverable += 1
    const attempts = this.#config.maximumSendAttempts
    this.#log.warn(
      { server: this.remote, topic, size, attempts },
      `Message of bridge ${this.name} dropped: ${this.remote} ended ${attempts} connections in a row when it was sent ${topic} (${size} bytes)`,
    )
  }

  #warnOfLoops(): void {
    this.#log.warn(
      { server: this.remote },
      `Bridge ${this.name} carries topics in both directions with MQTT 3.1.1, and ${this.remote} is not asked or does not accept to be ` +
        'asked not to send them back: messages may go in a circle. MQTT 5.0 prevents it',
    )
  }
}

const describeServer = ({ host, port, isTls, path }: BridgeServer): string => {
  const scheme = `${path === undefined ? 'mqtt' : 'ws'}${isTls ? 's' : ''}`
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}${path ?? ''}`
}

/** A name of this broker that all bridges of the process use, and no other process. */
const processId = (): string => `${hostname()}-${process.pid}-${Math.trunc(performance.timeOrigin).toString(36)}`
