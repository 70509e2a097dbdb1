import type { ConnectionEnd } from '../../src/kinds/connection.ts'
import type { ConnectionCounters, ListenerInfo } from '../../src/kinds/listener.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import type { ByteStream, Transport } from '../../src/kinds/transport.ts'
import { Admission } from './admission.ts'
import { BufferPool } from './buffer-pool.ts'
import { Buffers } from './buffers.ts'
import type { ServerConfig } from './config.ts'
import { StreamConnection } from './connection.ts'
import type { ConnectionOwner } from './connection-owner.ts'
import { CoreListener } from './core-listener.ts'
import { newCounters } from './counters.ts'
import { EndOfTurn } from './end-of-turn.ts'
import { checkListener } from './listener-check.ts'
import type { Newcomer } from './newcomer.ts'
import type { Pipeline } from './pipeline.ts'
import { SharedInput } from './shared-input.ts'
import { SlowReaders } from './slow-readers.ts'
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
  readonly #pipeline: Pipeline
  readonly #log: Logger
  readonly #listeners: CoreListener[] = []

  // The connections.
  readonly #connections = new Set<StreamConnection>()
  readonly #owner: ConnectionOwner<StreamConnection>
  readonly #buffers: Buffers
  readonly #admission: Admission
  /** Connections that are open. A connection that is closed takes no place, even while its socket is still closing. */
  #open = 0
  #lastId = 0
  /** Called when the last connection has ended; set while `close` waits for it. */
  #allGone: (() => void) | undefined

  constructor(config: ServerConfig, pipeline: Pipeline, log: Logger) {
    this.#pipeline = pipeline
    this.#log = log
    const slowReaders = new SlowReaders(this.#connections, log)
    this.#buffers = new Buffers(config.maximumTotalPendingBytes, log, {
      deadlineMs: config.stalledDeadlineMs,
      minimumDeadlineMs: config.minimumStalledDeadlineMs,
      relieve: (bytes, waitedMs) => slowReaders.relieve(bytes, waitedMs),
    })
    const endOfTurn = new EndOfTurn()
    const budget = new TurnBudget(config.turnWorkUnits, endOfTurn, log, config.turnWorkUnits * FIRST_PART)
    const pool = new BufferPool()
    this.input = new SharedInput(pool, endOfTurn)
    this.#owner = {
      log,
      endOfTurn,
      buffers: this.#buffers,
      budget,
      writes: new WriteBudget(endOfTurn),
      pool,
      input: this.input,
      scratch: new WriteScratch(),
      gathered: [],
      counters: this.counters,
      maximumPendingBytes: config.maximumPendingBytes,
      closeDeadlineMs: config.closeDeadlineMs,
      failedAuthentication: () => {
        this.counters.failedAuthentications += 1
      },
      ended: (connection, by) => this.#ended(connection, by),
      gone: (connection) => this.#gone(connection),
    }
    const places = {
      maximumConnections: config.maximumConnections,
      backlog: config.backlog,
      taken: () => this.#open,
      open: (newcomer: Newcomer) => this.#start(newcomer),
      refused: ({ peer, listener }: Newcomer) => this.#countRefused(peer, listener),
    }
    this.#admission = new Admission(places, budget, log)
  }

  /** Connections whose sockets are not closed yet. */
  get connections(): number {
    return this.#connections.size
  }

  get listeners(): readonly ListenerInfo[] {
    return this.#listeners
  }

  /**
   * Serves the connections of a transport from now on.
   * @param details for the log; the name, transport and address unless told otherwise.
   * @throws an Error if it would be open to clients that nobody meant to let in, and what `Transport.serve` throws.
   */
  serve(transport: Transport, details: LogDetails = detailsOf(transport)): void {
    const warning = checkListener(transport, this.#pipeline.handler)
    const listener = new CoreListener(transport, {
      accept: (stream, peer, from) => this.#accept(stream, peer, from),
      countRefused: (peer, from) => this.#countRefused(peer, from),
    })
    this.#log.info(details, `Listening on ${transport.address}`)
    if (warning !== undefined) this.#log.warn(details, warning)
    transport.serve(listener)
    this.#listeners.push(listener)
  }

  /** Makes all transports hold new connections, and closes every connection. Resolves when the last socket is closed. */
  async stop(reason: string): Promise<void> {
    const unserved = this.#admission.takeAll()
    for (const listener of this.#listeners) {
      const own = unserved.filter((newcomer) => newcomer.listener === listener)
      listener.source.hold(own.map(({ stream }) => stream))
    }
    this.#buffers.stop()
    if (this.#connections.size === 0) return
    const allGone = new Promise<void>((resolve) => {
      this.#allGone = resolve
    })
    for (const connection of this.#connections) connection.stop(reason)
    await allGone
  }

  #accept(stream: ByteStream, peer: Peer, listener: CoreListener): void {
    // A socket that is adopted reads nothing before, and so cannot fail.
    if (!listener.source.adoptable) stream.on('error', () => stream.destroy())
    this.#admission.accept({ stream, peer, listener })
  }

  /** Gives a new connection its pipeline. */
  #start({ stream, peer, listener }: Newcomer): void {
    // The peer has closed the connection before its turn came.
    if (stream.destroyed) return
    const connection = new StreamConnection(++this.#lastId, stream, peer, this.#owner, listener.source)
    connection.source = listener
    this.#connections.add(connection)
    this.#open += 1
    this.counters.accepted += 1
    listener.accepted += 1
    listener.connections += 1
    connection.start(this.#pipeline)
  }

  #countRefused(peer: Peer, listener: CoreListener): void {
    this.counters.refused += 1
    listener.refused += 1
    this.#admission.noteRefused(peer)
  }

  #ended({ source }: StreamConnection, by: ConnectionEnd['by']): void {
    this.#open -= 1
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
