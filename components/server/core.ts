import type { ConnectionEnd } from '../../src/kinds/connection.ts'
import type { ConnectionCounters, ListenerInfo } from '../../src/kinds/listener.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import type { ByteStream, Transport } from '../../src/kinds/transport.ts'
import { AddressLimits } from './address-limits.ts'
import { Admission } from './admission.ts'
import type { banHandover } from './bans.ts'
import { BufferPool } from './buffer-pool.ts'
import type { ServerConfig } from './config.ts'
import { type PipelineChange, StreamConnection } from './connection.ts'
import type { ConnectionOwner } from './connection-owner.ts'
import { CoreListener } from './core-listener.ts'
import { newCounters } from './counters.ts'
import { drain } from './drain.ts'
import { EndOfTurn } from './end-of-turn.ts'
import { checkListener } from './listener-check.ts'
import type { Newcomer } from './newcomer.ts'
import type { Pipeline } from './pipeline.ts'
import { type RefusalReason, Refusals } from './refusals.ts'
import type { Reopening } from './reopening.ts'
import { SharedInput } from './shared-input.ts'
import { SlowReaders } from './slow-readers.ts'
import { TotalPendingBytes } from './total-pending-bytes.ts'
import { TurnBudget } from './turn-budget.ts'
import { WriteBudget } from './write-budget.ts'
import { WriteScratch } from './write-scratch.ts'

/** The part of its units that the first turn has: nothing is compiled yet. */
const FIRST_PART = 1 / 8

/** Connections of all transports: gives each its pipeline, and divides memory and turns of the event loop among them. */
export class Core {
  readonly counters: ConnectionCounters = newCounters()
  /** The shared memory that sockets of adoptable transports read into. */
  readonly input: SharedInput
  /** The limits of each address, and the bans. */
  readonly addresses: AddressLimits
  #config: ServerConfig
  #pipeline: Pipeline
  readonly #log: Logger
  #listeners: readonly CoreListener[] = []

  // The connections.
  readonly #connections = new Set<StreamConnection>()
  readonly #owner: ChangeableOwner
  readonly #slowReaders: SlowReaders
  readonly #budget: TurnBudget
  readonly #totalPendingBytes: TotalPendingBytes
  readonly #admission: Admission
  readonly #refusals: Refusals
  /** Connections that are open. A connection that is closed takes no place, even while its socket is still closing. */
  #open = 0
  #lastId = 0
  /** It accepts no connections, and ends those that it has. */
  draining = false
  /** Called when the last connection has ended; set while `close` waits for it. */
  #allGone: (() => void) | undefined

  /** @param bans those of the predecessor. */
  constructor(
    config: ServerConfig,
    pipeline: Pipeline,
    log: Logger,
    bans?: ReturnType<typeof banHandover.parse>['bans'],
  ) {
    this.#config = config
    this.#pipeline = pipeline
    this.#log = log
    this.addresses = new AddressLimits(config, this.counters, log, bans)
    this.#refusals = new Refusals(this.counters, log)
    const slowReaders = new SlowReaders(this.#connections, config.stalledDeadlineMs, this.counters, log)
    this.#slowReaders = slowReaders
    this.#totalPendingBytes = new TotalPendingBytes(config.maximumTotalPendingBytes, log, {
      deadlineMs: config.stalledDeadlineMs,
      minimumDeadlineMs: config.minimumStalledDeadlineMs,
      relieve: (bytes, waitedMs) => slowReaders.relieve(bytes, waitedMs),
      relieveAtOnce: (bytes) => slowReaders.relieveAtOnce(bytes),
    })
    const endOfTurn = new EndOfTurn()
    const budget = new TurnBudget(config.turnWorkUnits, endOfTurn, log, config.turnWorkUnits * FIRST_PART)
    this.#budget = budget
    const pool = new BufferPool()
    this.input = new SharedInput(pool, endOfTurn)
    this.#owner = {
      log,
      endOfTurn,
      totalPendingBytes: this.#totalPendingBytes,
      budget,
      writes: new WriteBudget(endOfTurn),
      pool,
      input: this.input,
      scratch: new WriteScratch(),
      freeBatches: [],
      counters: this.counters,
      maximumPendingBytes: config.maximumPendingBytes,
      closeDeadlineMs: config.closeDeadlineMs,
      failedAuthentication: (peer) => this.addresses.failedAuthentication(peer),
      isBanned: (peer) => this.addresses.isBanned(peer),
      ended: (connection, by) => this.#ended(connection, by),
      gone: (connection) => this.#gone(connection),
    }
    const places = {
      most: () => this.#config.maximumConnections + this.#config.backlog,
      taken: () => this.#open,
      obstacle: ({ listener, addressKey }: Newcomer) => this.#obstacle(listener, addressKey),
      open: (newcomer: Newcomer) => this.#start(newcomer),
      refused: ({ peer, listener }: Newcomer, reason: RefusalReason) => this.#refused(peer, listener, reason),
    }
    this.#admission = new Admission(places, budget)
  }

  /** Connections whose sockets are not closed yet. */
  get connections(): number {
    return this.#connections.size
  }

  /** Bytes that wait for all peers. */
  get pendingBytes(): number {
    return this.#totalPendingBytes.bytes
  }

  get listeners(): readonly ListenerInfo[] {
    return this.#listeners
  }

  /**
   * Serves the connections of a transport from now on.
   * @param details for the log; the name, transport and address unless told otherwise.
   * @throws an Error if it would be open to a network by mistake, and what `Transport.serve` throws.
   */
  serve(transport: Transport, details: LogDetails = detailsOf(transport)): void {
    const warning = checkListener(transport, this.#pipeline.handler)
    const listener = new CoreListener(transport, {
      accept: (stream, peer, from) => this.#accept(stream, peer, from),
      admits: (peer, from) => this.#admits(peer, from),
      countRefused: (peer, from) => this.#refused(peer, from, 'maximumConnections'),
      changed: ({ source }) => void checkListener(source, this.#pipeline.handler),
      ended: (from) => void this.end(from.source, 'its listener stops'),
    })
    this.#log.info(details, `Listening on ${transport.address}`)
    if (warning !== undefined) this.#log.warn(details, warning)
    transport.serve(listener)
    this.#listeners = [...this.#listeners, listener]
  }

  /** Stops to serve a transport. Its connections stay. @returns serves it again. */
  unserve(transport: Transport): () => void {
    const before = this.#listeners
    const listener = before.find(({ source }) => source === transport)
    if (listener === undefined) return () => undefined
    this.#listeners = before.filter((each) => each !== listener)
    this.#hold(listener, this.#admission.takeAll(listener))
    return () => {
      this.#listeners = before
      transport.serve(listener)
    }
  }

  /** Ends the connections of a transport, and takes none any more. Resolves when all of them were told. */
  async end(transport: Transport, reason: string): Promise<void> {
    this.unserve(transport)
    const own = [...this.#connections].filter(({ source }) => source?.source === transport)
    await drain(own, reason, this.#config.drainMs)
  }

  /** Takes over the values of another config. What is counted stays. */
  configure(config: ServerConfig): void {
    this.#config = config
    this.addresses.configure(config)
    this.#slowReaders.stalledMs = config.stalledDeadlineMs
    this.#budget.units = config.turnWorkUnits
    this.#owner.maximumPendingBytes = config.maximumPendingBytes
    this.#owner.closeDeadlineMs = config.closeDeadlineMs
    const { stalledDeadlineMs: deadlineMs, minimumStalledDeadlineMs: minimumDeadlineMs } = config
    this.#totalPendingBytes.configure(config.maximumTotalPendingBytes, { deadlineMs, minimumDeadlineMs })
  }

  get pipeline(): Pipeline {
    return this.#pipeline
  }

  /** Why a connection that is open now keeps the pipelines from being opened anew; undefined if none does. */
  obstacleTo(plan: Reopening): string | undefined {
    for (const connection of this.#connections) {
      const obstacle = connection.obstacleTo(plan)
      if (obstacle !== undefined) return obstacle
    }
    return undefined
  }

  /**
   * Opens the pipelines of all connections anew, and those of new ones from now on, between two turns of the event loop.
   * @param begun takes what undoes it, for one connection after the other. @throws what a stage throws.
   */
  reopen(plan: Reopening, begun: (change: PipelineChange) => void): void {
    this.#pipeline = plan.to
    for (const connection of this.#connections) connection.reopen(plan, begun)
  }

  /** The pipeline of new connections. */
  openBy(pipeline: Pipeline): void {
    this.#pipeline = pipeline
  }

  /** As `Listener.settle`. */
  settle(): void {
    let told = true
    // What the stages of a lost connection do, such as the publication of a Will, may end another one.
    while (told) {
      told = false
      for (const connection of this.#connections) told = connection.settle() || told
    }
    // Before anything else is accepted.
    process.nextTick(() => {
      this.#shutOpenListeners()
      this.#followListeners()
    })
  }

  /** Checks who may connect to each listener, after the handler or a transport has changed. @throws as `serve`. */
  check(): void {
    for (const { source } of this.#listeners) checkListener(source, this.#pipeline.handler)
  }

  /** After a reset: a listener that is open to a network by mistake takes no connections, and takes them again when that was corrected. */
  #shutOpenListeners(): void {
    for (const listener of this.#listeners) {
      try {
        checkListener(listener.source, this.#pipeline.handler)
        listener.isShut = false
      } catch (error) {
        const { name, transport, address } = listener
        listener.isShut = true
        this.#log.error({ err: error, listener: name, transport, address }, `${name} takes no connections any more`)
      }
    }
  }

  /**
   * After a reset: a client that is not accepted yet is held to what its listener demands now. Its mount point and the size of its packets
   * are those with which its pipeline was opened.
   */
  #followListeners(): void {
    const changed = new Set(this.#listeners.filter((listener) => listener.hasOtherOptions()))
    if (changed.size === 0) return
    for (const connection of this.#connections) {
      const { source, listener, protocolVersion, authenticating } = connection
      const isAccepted = protocolVersion !== 0 && !authenticating
      if (source === undefined || isAccepted || !changed.has(source)) continue
      const { mountPoint, maximumPacketSize } = listener
      connection.listener = { ...source.source.options, mountPoint, maximumPacketSize }
    }
  }

  /**
   * Makes all transports hold new connections, and ends every connection. Resolves when the last socket is closed.
   * @param drainMs how long to wait for what is under way.
   */
  async stop(reason: string, drainMs = 0): Promise<void> {
    this.draining = true
    for (const listener of this.#listeners) this.#hold(listener, this.#admission.takeAll(listener))
    await drain(this.#connections, reason, drainMs)
    this.#totalPendingBytes.stop()
    if (this.#connections.size === 0) return
    await new Promise<void>((resolve) => {
      this.#allGone = resolve
    })
  }

  #hold(listener: CoreListener, unserved: readonly Newcomer[]): void {
    listener.source.hold(unserved.map(({ stream }) => stream))
  }

  #accept(stream: ByteStream, peer: Peer, listener: CoreListener): void {
    // A socket that is adopted reads nothing before, and so cannot fail.
    if (!listener.source.adoptable) stream.on('error', () => stream.destroy())
    const addressKey = this.addresses.keyOf(peer)
    // A transport that asks has asked for this one.
    const reason = listener.isShut ? 'shut' : listener.asks ? undefined : this.addresses.refusal(peer, addressKey)
    if (reason === undefined) {
      this.#admission.accept({ stream, peer, listener, addressKey })
      return
    }
    stream.destroy()
    this.#refused(peer, listener, reason)
  }

  /** As `TransportServer.admits`. */
  #admits(peer: Peer, listener: CoreListener): boolean {
    const addressKey = this.addresses.keyOf(peer)
    const reason = this.addresses.refusal(peer, addressKey) ?? this.#obstacle(listener, addressKey)
    if (reason !== undefined) this.#refused(peer, listener, reason)
    return reason === undefined
  }

  #obstacle(listener: CoreListener, addressKey: string): RefusalReason | undefined {
    if (listener.isShut) return 'shut'
    if (this.#open >= this.#config.maximumConnections) return 'maximumConnections'
    if (listener.isFull) return 'maximumConnectionsOfListener'
    return this.addresses.isFull(addressKey) ? 'maximumConnectionsPerAddress' : undefined
  }

  /** Gives a new connection its pipeline. */
  #start({ stream, peer, listener, addressKey }: Newcomer): void {
    // The peer has closed the connection before its turn came.
    if (stream.destroyed) return
    const connection = new StreamConnection(++this.#lastId, stream, peer, this.#owner, listener.source)
    connection.source = listener
    connection.addressKey = addressKey
    this.addresses.opened(addressKey)
    this.#connections.add(connection)
    this.#open += 1
    this.counters.accepted += 1
    listener.accepted += 1
    listener.connections += 1
    connection.start(this.#pipeline)
  }

  #refused(peer: Peer, listener: CoreListener, reason: RefusalReason): void {
    listener.refused += 1
    this.#refusals.note(reason, peer, listener.name, this.#limitOf(reason, listener))
  }

  /** The value that a refusal is for, for the log. */
  #limitOf(reason: RefusalReason, listener: CoreListener): number | undefined {
    const { maximumConnections, connectRate } = this.#config
    if (reason === 'maximumConnectionsOfListener') return listener.source.options.maximumConnections
    if (reason === 'maximumConnectionsPerAddress') return this.addresses.maximumConnections
    return reason === 'connectRate' ? (connectRate ?? undefined) : maximumConnections
  }

  #ended({ source, addressKey }: StreamConnection, by: ConnectionEnd['by']): void {
    this.#open -= 1
    this.addresses.ended(addressKey)
    if (source !== undefined) source.connections -= 1
    if (by === 'client') this.counters.endedByClient += 1
    else if (by === 'network') this.counters.endedByNetwork += 1
    else this.counters.endedByBroker += 1
  }

  #gone(connection: StreamConnection): void {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#allGone?.()
  }
}

/** What connections share, with the values of the config that may change. */
type ChangeableOwner = ConnectionOwner<StreamConnection> & { maximumPendingBytes: number; closeDeadlineMs: number }

type LogDetails = Readonly<Record<string, unknown>>

const detailsOf = ({ name, transport, address }: Transport): LogDetails => ({ listener: name, transport, address })
