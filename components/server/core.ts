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
import { StreamConnection } from './connection.ts'
import type { ConnectionOwner } from './connection-owner.ts'
import { CoreListener } from './core-listener.ts'
import { newCounters } from './counters.ts'
import { drain } from './drain.ts'
import { EndOfTurn } from './end-of-turn.ts'
import { checkListener } from './listener-check.ts'
import type { Newcomer } from './newcomer.ts'
import type { Pipeline } from './pipeline.ts'
import { type RefusalReason, Refusals } from './refusals.ts'
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
  readonly #config: ServerConfig
  readonly #pipeline: Pipeline
  readonly #log: Logger
  readonly #listeners: CoreListener[] = []

  // The connections.
  readonly #connections = new Set<StreamConnection>()
  readonly #owner: ConnectionOwner<StreamConnection>
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
    this.#totalPendingBytes = new TotalPendingBytes(config.maximumTotalPendingBytes, log, {
      deadlineMs: config.stalledDeadlineMs,
      minimumDeadlineMs: config.minimumStalledDeadlineMs,
      relieve: (bytes, waitedMs) => slowReaders.relieve(bytes, waitedMs),
      relieveAtOnce: (bytes) => slowReaders.relieveAtOnce(bytes),
    })
    const endOfTurn = new EndOfTurn()
    const budget = new TurnBudget(config.turnWorkUnits, endOfTurn, log, config.turnWorkUnits * FIRST_PART)
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
      maximumConnections: config.maximumConnections,
      backlog: config.backlog,
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
    })
    this.#log.info(details, `Listening on ${transport.address}`)
    if (warning !== undefined) this.#log.warn(details, warning)
    transport.serve(listener)
    this.#listeners.push(listener)
  }

  /**
   * Makes all transports hold new connections, and ends every connection. Resolves when the last socket is closed.
   * @param drainMs how long to wait for what is under way.
   */
  async stop(reason: string, drainMs = 0): Promise<void> {
    this.draining = true
    const unserved = this.#admission.takeAll()
    for (const listener of this.#listeners) {
      const own = unserved.filter((newcomer) => newcomer.listener === listener)
      listener.source.hold(own.map(({ stream }) => stream))
    }
    await drain(this.#connections, reason, drainMs)
    this.#totalPendingBytes.stop()
    if (this.#connections.size === 0) return
    await new Promise<void>((resolve) => {
      this.#allGone = resolve
    })
  }

  #accept(stream: ByteStream, peer: Peer, listener: CoreListener): void {
    // A socket that is adopted reads nothing before, and so cannot fail.
    if (!listener.source.adoptable) stream.on('error', () => stream.destroy())
    const addressKey = this.addresses.keyOf(peer)
    // A transport that asks has asked for this one.
    const reason = listener.asks ? undefined : this.addresses.refusal(peer, addressKey)
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

type LogDetails = Readonly<Record<string, unknown>>

const detailsOf = ({ name, transport, address }: Transport): LogDetails => ({ listener: name, transport, address })
