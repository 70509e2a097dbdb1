import type { ConnectionEnd } from '../../src/kinds/connection.ts'
import type { ConnectionCounters, ListenerInfo } from '../../src/kinds/listener.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import type { ByteStream, Transport } from '../../src/kinds/transport.ts'
import { AddressLimits } from './address-limits.ts'
import { Admission, type Places } from './admission.ts'
import type { banHandover } from './bans.ts'
import type { ServerConfig } from './config.ts'
import { StreamConnection } from './connection.ts'
import type { PipelineChange } from './connection-stages.ts'
import { type CoreEntrance, CoreListener, detailsOf, type LogDetails } from './core-listener.ts'
import type { CoreRecord, FormerCore } from './core-record.ts'
import { addCounters, newCounters } from './counters.ts'
import { drain } from './drain.ts'
import { checkListener } from './listener-check.ts'
import { followListeners, shutOpenListeners } from './listener-follow.ts'
import { type CoreOwner, giveShared, makeOwner, takeShared } from './make-owner.ts'
import type { Newcomer } from './newcomer.ts'
import type { Pipeline } from './pipeline.ts'
import { limitOf, type RefusalReason, Refusals } from './refusals.ts'
import type { Reopening } from './reopening.ts'
import { planContinuation } from './reopening-adjustment.ts'
import type { SharedInput } from './shared-input.ts'
import { takeListeners } from './taken-listeners.ts'

/** Connections of all transports: gives each its pipeline, and divides memory and turns of the event loop among them. */
export class Core implements FormerCore {
  readonly counters: ConnectionCounters = newCounters()
  /** The limits of each address, and the bans. */
  readonly addresses: AddressLimits
  #config: ServerConfig
  #pipeline: Pipeline
  readonly #log: Logger
  #listeners: readonly CoreListener[] = []

  readonly #connections = new Set<StreamConnection>()
  readonly #owner: CoreOwner
  readonly #admission: Admission
  readonly #refusals: Refusals
  readonly #entrance: CoreEntrance
  /** Whether another core acts in its place. */
  #left = false
  /** A connection that is closed takes no place, even while its socket is still closing. */
  #open = 0
  #lastId = 0
  /** It stops. */
  draining = false
  /** Called when the last connection has ended; set while `stop` waits. */
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
    this.#owner = makeOwner(config, this.counters, log, this.#connections, {
      failedAuthentication: (peer) => this.addresses.failedAuthentication(peer),
      isBanned: (peer) => this.addresses.isBanned(peer),
      ended: (connection, by) => this.#ended(connection, by),
      gone: (connection) => this.#gone(connection),
    })
    this.#admission = new Admission(this.#places(), this.#owner.budget)
    this.#entrance = {
      accept: (stream, peer, from) => this.#accept(stream, peer, from),
      admits: (peer, from) => this.#admits(peer, from),
      countRefused: (peer, from) => this.#refused(peer, from, 'maximumConnections'),
      changed: ({ source }) => void checkListener(source, this.#pipeline.handler),
      ended: (from) => void this.end(from.source, 'its listener stops'),
    }
  }

  #places(): Places {
    return {
      acts: () => !this.#left,
      most: () => this.#config.maximumConnections + this.#config.backlog,
      taken: () => this.#open,
      obstacle: ({ listener, addressKey }: Newcomer) => this.#obstacle(listener, addressKey),
      open: (newcomer: Newcomer) => this.#start(newcomer),
      refused: ({ peer, listener }: Newcomer, reason: RefusalReason) => this.#refused(peer, listener, reason),
    }
  }

  /** Connections whose sockets are not closed yet. */
  get connections(): number {
    return this.#connections.size
  }

  /** Bytes that wait for all peers. */
  get pendingBytes(): number {
    return this.#owner.totalPendingBytes.bytes
  }

  /** The shared memory that sockets of adoptable transports read into. */
  get input(): SharedInput {
    return this.#owner.input
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
    const listener = new CoreListener(transport, this.#entrance)
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

  /** A transport is in the place of another one. Its connections stay. @returns goes back. */
  replace(transport: Transport, by: Transport): () => void {
    const listener = this.#listeners.find(({ source }) => source === transport)!
    const serve = (from: Transport, to: Transport): void => {
      from.hold([])
      listener.source = to
      to.serve(listener)
    }
    serve(transport, by)
    return () => serve(by, transport)
  }

  /**
   * Ends the connections of a transport, and takes none any more. Resolves when all of them were told. One that has begun to end goes on
   * with that.
   */
  async end(transport: Transport, reason: string): Promise<void> {
    this.unserve(transport)
    const own = [...this.#connections].filter(({ source }) => source?.source === transport)
    let endsAtMs = performance.now() + this.#config.drainMs
    for (const { source } of own) {
      source!.endsAtMs ??= endsAtMs
      endsAtMs = Math.min(endsAtMs, source!.endsAtMs)
    }
    await drain(own, reason, Math.max(0, endsAtMs - performance.now()))
  }

  /** Takes over the values of another config. What is counted stays. */
  configure(config: ServerConfig): void {
    this.#config = config
    this.addresses.configure(config)
    const owner = this.#owner
    owner.slowReaders.stalledMs = config.stalledDeadlineMs
    owner.budget.units = config.turnWorkUnits
    owner.maximumPendingBytes = config.maximumPendingBytes
    owner.closeDeadlineMs = config.closeDeadlineMs
    const { stalledDeadlineMs: deadlineMs, minimumStalledDeadlineMs: minimumDeadlineMs } = config
    owner.totalPendingBytes.configure(config.maximumTotalPendingBytes, { deadlineMs, minimumDeadlineMs })
  }

  get pipeline(): Pipeline {
    return this.#pipeline
  }

  /** Why a connection that is open now keeps the pipelines from being opened anew; undefined if none does. */
  obstacleTo(plan: Reopening): string | undefined {
    for (const connection of this.#connections) {
      const obstacle = connection.stages.obstacleTo(plan)
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
    for (const connection of this.#connections) connection.stages.reopen(plan, begun)
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
    this.#lookAfterReset()
  }

  /** Before anything else is accepted. */
  #lookAfterReset(): void {
    process.nextTick(() => {
      if (this.#left) return
      shutOpenListeners(this.#listeners, this.#pipeline.handler, this.#log)
      followListeners(this.#listeners, this.#connections)
    })
  }

  /** Checks who may connect to each listener, after the handler or a transport has changed. @throws as `serve`. */
  check(): void {
    for (const { source } of this.#listeners) checkListener(source, this.#pipeline.handler)
  }

  /** The state for a successor. Changes nothing. */
  handOver(): CoreRecord {
    return {
      former: this,
      pipeline: this.#pipeline,
      counters: this.counters,
      lastId: this.#lastId,
      listeners: this.#listeners.map((listener) => listener.handOver()),
      connections: [...this.#connections],
      arrivals: this.#admission.handOver(),
      addresses: this.addresses.handOver(),
      refusals: this.#refusals.handOver(),
      shared: giveShared(this.#owner),
    }
  }

  /**
   * Acts in place of another core, between two turns of the event loop.
   * @param transports to serve, in this order.
   * @param begun takes what undoes each step, before it is taken. @throws what a stage or a transport throws.
   */
  continueFrom(handed: CoreRecord, transports: readonly Transport[], begun: (undo: () => void) => void): void {
    const plan = planContinuation(handed, this.#pipeline)
    const { former, shared } = handed
    this.#lastId = handed.lastId
    this.addresses.continueFrom(handed.addresses)
    this.#refusals.continueFrom(handed.refusals)
    begun(() => {
      this.leave()
      former.takeBack()
    })
    former.leave()
    takeShared(this.#owner, shared)
    const { served, gone, successors } = takeListeners(this.#entrance, handed, transports, begun)
    this.#listeners = served
    for (const each of handed.connections) {
      const record = each.handOver()
      const connection = StreamConnection.from(record, this.#owner)
      const { source } = record.fields
      this.#add(connection, source && successors.get(source), record.open)
      connection.continueFrom(each, record, plan, begun)
    }
    for (const { stream, peer, listener, addressKey, turns } of handed.arrivals) {
      this.#admission.continueFor({ stream, peer, listener: successors.get(listener)!, addressKey }, turns)
    }
    // What was counted there, also in this turn.
    addCounters(this.counters, handed.counters)
    this.#owner.totalPendingBytes.add(former.pendingBytes - shared.total.bytes)
    this.#lookAfterReset()
    // In its own turn: no connection is ended in the one in which the reset is applied.
    setImmediate(() => {
      if (!this.#left) for (const { source } of gone) void this.end(source, 'its listener was removed')
    })
  }

  leave(): void {
    this.#left = true
    this.#owner.totalPendingBytes.stop()
  }

  takeBack(): void {
    this.#left = false
    this.#owner.totalPendingBytes.takeBack()
  }

  get acts(): boolean {
    return !this.#left
  }

  /** Another core acts in its place for good. */
  retire(): void {
    this.#owner.input.retire()
    for (const connection of this.#connections) connection.retire()
    this.#connections.clear()
  }

  /** Connections that are open. */
  get open(): number {
    return this.#open
  }

  #add(connection: StreamConnection, listener: CoreListener | undefined, isOpen: boolean): void {
    connection.source = listener
    this.#connections.add(connection)
    if (!isOpen) return
    this.#open += 1
    this.addresses.opened(connection.addressKey)
    if (listener !== undefined) listener.connections += 1
  }

  /**
   * Makes all transports hold new connections, and ends every connection. Resolves when the last socket is closed.
   * @param drainMs how long to wait for what is under way.
   */
  async stop(reason: string, drainMs = 0): Promise<void> {
    this.draining = true
    for (const listener of this.#listeners) this.#hold(listener, this.#admission.takeAll(listener))
    await drain(this.#connections, reason, drainMs)
    this.#owner.totalPendingBytes.stop()
    const gone = new Promise<void>((resolve) => {
      this.#allGone = resolve
    })
    if (this.#connections.size > 0) await gone
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
    connection.addressKey = addressKey
    this.#add(connection, listener, true)
    this.counters.accepted += 1
    listener.accepted += 1
    connection.start(this.#pipeline)
  }

  #refused(peer: Peer, listener: CoreListener, reason: RefusalReason): void {
    listener.refused += 1
    const { maximumConnections } = listener.source.options
    const limits = { ...this.#config, ofListener: maximumConnections, ofAddress: this.addresses.maximumConnections }
    this.#refusals.note(reason, peer, listener.name, limitOf(reason, limits))
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
