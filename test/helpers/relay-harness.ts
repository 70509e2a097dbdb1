import { generate, type Packet, parser } from 'mqtt-packet'
import { bridgeIdentity } from '../../components/bridge/bridge-names.ts'
import { newBridgeCounters } from '../../components/bridge/counters.ts'
import { type Frame, FrameReader } from '../../components/bridge/frame-reader.ts'
import { LocalSession } from '../../components/bridge/local-session.ts'
import { type PoisonMessage, PoisonWatch } from '../../components/bridge/poison-watch.ts'
import { Relay } from '../../components/bridge/relay.ts'
import type { RemoteLink } from '../../components/bridge/remote-link.ts'
import { RemoteSession } from '../../components/bridge/remote-session.ts'
import type { RemoteTerms } from '../../components/bridge/remote-terms.ts'
import { TopicMap } from '../../components/bridge/topic-map.ts'
import type { BrokerParts } from '../../components/broker/broker-core.ts'
import { carried } from './bridged-broker.ts'
import { HandlerHarness } from './handler-harness.ts'

/** The connection to a remote broker that a test plays. */
export class FakeLink {
  readonly version: 4 | 5
  readonly connectedAtMs = 1_000
  readonly bytesReceived = 7
  pendingBytes = 0
  isClosed = false
  blocked = false
  congested = false
  endedByRemote = false
  /** Why it was closed. */
  why: string | undefined
  /** The packets whose answer is awaited. */
  awaited: string | undefined
  /** Bytes that were sent. */
  readonly written: Uint8Array[] = []
  readonly #frames = new FrameReader(1_000_000)

  constructor(version: 4 | 5) {
    this.version = version
  }

  push(bytes: Buffer): void {
    this.#frames.push(bytes)
  }

  /** Bytes that were not taken yet. */
  get pending(): number {
    return this.#frames.pending
  }

  next(): Frame | undefined {
    return this.isClosed ? undefined : this.#frames.next()
  }

  write(bytes: Uint8Array): void {
    if (!this.isClosed) this.written.push(bytes)
  }

  subscribe(packet: Packet): void {
    this.write(generate(packet, { protocolVersion: this.version }))
  }

  close(why: string, byRemote = false): void {
    if (this.isClosed) return
    this.why = why
    this.endedByRemote = byRemote
    this.isClosed = true
  }

  awaitAnswer(what: string): void {
    this.awaited = what
  }

  answered(): void {
    this.awaited = undefined
  }
}

export interface RelayHarnessOptions {
  readonly version?: 4 | 5
  readonly topics?: readonly ReturnType<typeof carried>[]
  readonly terms?: Partial<RemoteTerms>
  readonly hop?: Buffer
  readonly userName?: string
  readonly expiryIntervalSeconds?: number
  /** Of the broker and the handler. */
  readonly config?: object
  readonly parts?: Partial<BrokerParts>
  /** Whether there is no connection before `connect`. */
  readonly isAway?: boolean
}

/** A bridge that is connected, between a real broker without a network and a remote broker that the test plays. */
export class RelayHarness {
  readonly broker: HandlerHarness
  readonly counters = newBridgeCounters()
  readonly refusedFilters: [filter: string, reasonCode: number][] = []
  readonly refusedMessages: [by: string, reasonCode: number, topic: string][] = []
  readonly dropped: PoisonMessage[] = []
  readonly unacceptable: [topic: string, size: number, why: string][] = []
  /** How often it said that messages flow. */
  ready = 0
  link!: FakeLink
  relay!: Relay
  readonly #options: RelayHarnessOptions
  readonly #poison = new PoisonWatch(3)
  readonly #remoteSession = new RemoteSession(3)
  #topics: TopicMap
  readonly #identity: ReturnType<typeof bridgeIdentity>
  #local: LocalSession

  constructor(options: RelayHarnessOptions = {}) {
    this.#options = options
    this.broker = new HandlerHarness(options.config, options.parts)
    this.#identity = bridgeIdentity('up', options.userName)
    this.#topics = new TopicMap(options.topics ?? [carried('#', 'out')])
    this.#local = this.#localSession()
    if (options.isAway !== true) this.connect(options.terms)
  }

  /** The config has other topics, and the bridge has connected again. */
  change(topics: readonly ReturnType<typeof carried>[]): void {
    this.#topics = new TopicMap(topics)
    this.#local = this.#localSession()
    this.connect({ sessionPresent: true })
  }

  /** The remote broker has accepted a connection. @param more terms of it. */
  connect(more: Partial<RemoteTerms> = {}): void {
    const { version = 5, hop } = this.#options
    const link = new FakeLink(version)
    const terms: RemoteTerms = {
      ...{ sessionPresent: false, receiveMaximum: 100, maximumQoS: 2, retainAvailable: true },
      ...{ maximumPacketSize: Number.POSITIVE_INFINITY, keepAliveSeconds: undefined, ...more },
    }
    const context = {
      ...{ broker: this.broker.broker.forClients, identity: this.#identity, counters: this.counters },
      ...{ topics: this.#topics, hop, maximumHops: 2, description: { text: 'bridge up', fields: { bridge: 'up' } } },
      subscriptionRefused: (filter: string, reasonCode: number) => this.refusedFilters.push([filter, reasonCode]),
      messageRefused: (by: string, reasonCode: number, topic: string) =>
        this.refusedMessages.push([by, reasonCode, topic]),
      ...{ poison: this.#poison, remoteSession: this.#remoteSession },
      unacceptable: (...message: [topic: string, size: number, why: string]) => this.unacceptable.push(message),
      messageDropped: (message: PoisonMessage) => this.dropped.push(message),
      ready: () => {
        this.ready += 1
        this.#local.settled()
      },
    }
    this.link = link
    this.relay = new Relay(context, link as unknown as RemoteLink, terms)
    const { maximumQoS, receiveMaximum, sessionPresent } = terms
    const session = this.#local.open(this.relay, receiveMaximum, maximumQoS, !sessionPresent)
    this.relay.begin(session, this.#local.isFresh)
  }

  /** Messages that the remote broker has not acknowledged. */
  get inflight(): number | undefined {
    return this.broker.broker.session(this.#identity.clientId)?.inflight
  }

  /** The connection has ended. @param byRemote whether the remote broker ended it. */
  lose(byRemote = true): void {
    this.link.close('lost', byRemote)
    this.relay.ended()
  }

  /** Packets of the remote broker arrive. @returns what was sent to it since the last call. */
  receive(...packets: (Packet | Buffer)[]): Packet[] {
    for (const packet of packets) {
      this.link.push(Buffer.isBuffer(packet) ? packet : generate(packet, { protocolVersion: this.link.version }))
    }
    this.relay.process()
    return this.sent()
  }

  /** What was sent to the remote broker since the last call. */
  sent(): Packet[] {
    const packets: Packet[] = []
    const parsing = parser({ protocolVersion: this.link.version })
    parsing.on('packet', (packet: Packet) => packets.push(packet))
    for (const bytes of this.link.written.splice(0)) parsing.parse(Buffer.from(bytes))
    return packets
  }

  /** This broker publishes a message. */
  publish(topic: string, qos: 0 | 1 | 2 = 0, payload = ''): void {
    this.broker.broker.publish({ topic, qos, payload })
  }

  stop(): void {
    this.broker.stop()
  }

  #localSession(): LocalSession {
    return new LocalSession({
      ...{ broker: this.broker.broker, identity: this.#identity, filters: this.#topics.localFilters },
      expiryIntervalSeconds: this.#options.expiryIntervalSeconds ?? 60,
      refused: (filter) => this.refusedFilters.push([filter, -1]),
    })
  }
}
