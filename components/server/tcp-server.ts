import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Listener } from '../../src/kinds/listener.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { acceptWith } from './accepting.ts'
import { Admission } from './admission.ts'
import { BufferPool } from './buffer-pool.ts'
import { Buffers } from './buffers.ts'
import type { ServerConfig } from './config.ts'
import { TcpConnection } from './connection.ts'
import type { ConnectionOwner } from './connection-owner.ts'
import { EndOfTurn } from './end-of-turn.ts'
import { formatAddress } from './format-address.ts'
import { type Handover, release } from './handover.ts'
import { isLoopback } from './loopback.ts'
import { peerOf, tcpPeer } from './peer-of.ts'
import type { Pipeline } from './pipeline.ts'
import { SharedInput } from './shared-input.ts'
import { SlowReaders } from './slow-readers.ts'
import { TurnBudget } from './turn-budget.ts'
import { WriteBudget } from './write-budget.ts'
import { WriteScratch } from './write-scratch.ts'

/** The part of its units that the first turn has: nothing is compiled yet. */
const FIRST_PART = 1 / 8

/**
 * Binds the port.
 * @throws the operating system's error, with its code, address and port: `EADDRINUSE` when another has it.
 */
export const listen = async ({ host, port, backlog }: ServerConfig): Promise<Server> => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
  server.listen({ host, port, backlog })
  await once(server, 'listening')
  return server
}

/** Accepts connections and gives each its pipeline. */
export class TcpServer implements Listener {
  readonly host: string
  readonly port: number
  readonly #config: ServerConfig
  readonly #name: string
  readonly #pipeline: Pipeline
  readonly #server: Server

  // The connections.
  readonly #connections = new Set<TcpConnection>()
  readonly #owner: ConnectionOwner<TcpConnection>
  readonly #buffers: Buffers
  readonly #admission: Admission
  /** Leaves it to Node to make sockets: those that the successor gets belong to no server's memory. */
  readonly #endAccepting: () => void
  /** Connections that are open. A connection that is closed takes no place, even while its socket is still closing. */
  #open = 0
  #lastId = 0
  /** Called when the last connection is gone, while somebody waits for it. */
  #allGone: (() => void) | undefined
  /** While suspended: sockets accepted for the successor. As many as connections are allowed, by the server itself. */
  readonly #waiting: Socket[] = []

  /** @param server listens already, in this generation of the code or in the one before. */
  constructor(server: Server, config: ServerConfig, pipeline: Pipeline, log: Logger, name = 'server') {
    const { address, port } = server.address() as AddressInfo
    this.host = address
    this.port = port
    this.#config = config
    this.#name = name
    this.#pipeline = pipeline
    this.#server = server
    const slowReaders = new SlowReaders(this.#connections, log)
    this.#buffers = new Buffers(config.maximumTotalPendingBytes, log, {
      deadlineMs: config.stalledDeadlineMs,
      minimumDeadlineMs: config.minimumStalledDeadlineMs,
      relieve: (bytes, waitedMs) => slowReaders.relieve(bytes, waitedMs),
    })
    const endOfTurn = new EndOfTurn()
    const budget = new TurnBudget(config.turnWorkUnits, endOfTurn, log, config.turnWorkUnits * FIRST_PART)
    const pool = new BufferPool()
    const input = new SharedInput(pool, endOfTurn)
    this.#owner = {
      log,
      endOfTurn,
      buffers: this.#buffers,
      budget,
      writes: new WriteBudget(endOfTurn),
      pool,
      input,
      scratch: new WriteScratch(),
      gathered: [],
      maximumPendingBytes: config.maximumPendingBytes,
      closeDeadlineMs: config.closeDeadlineMs,
      ended: () => {
        this.#open -= 1
      },
      gone: (connection) => this.#gone(connection),
    }
    const places = {
      maximumConnections: config.maximumConnections,
      taken: () => this.#open,
      open: (socket: Socket) => this.#start(socket),
      peerOf: (socket: Socket) => peerOf(socket, name),
    }
    this.#admission = new Admission(places, budget, log)
    // At most as many as the operating system hands over at once wait for a place.
    server.maxConnections = config.maximumConnections + config.backlog
    for (const event of ['connection', 'drop', 'error']) server.removeAllListeners(event)
    server.on('connection', (socket) => this.accept(socket))
    this.#endAccepting = acceptWith(server, (handle) => input.socketFor(handle))
    server.on('drop', (dropped) =>
      this.#admission.countRefused(tcpPeer(dropped?.remoteAddress, dropped?.remotePort, name)),
    )
    // No file descriptor left, say. Those who are connected go on.
    server.on('error', (error) => log.error({ err: error }, 'A connection could not be accepted'))
    log.info({ host: address, port }, `Listening on ${formatAddress(address, port)}`)
    if (pipeline.handler.authenticates === false && !isLoopback(address)) {
      log.warn(
        { host: address, port },
        `Every host that reaches ${formatAddress(address, port)} may connect: clients need not authenticate`,
      )
    }
  }

  get connections(): number {
    return this.#connections.size
  }

  /** Connections closed at once because there were `maximumConnections` already. */
  get refused(): number {
    return this.#admission.refused
  }

  /** Lets a new socket in, at the end of this turn of the event loop or later. */
  accept(socket: Socket): void {
    this.#admission.accept(socket)
  }

  /** Gives a new socket its pipeline. */
  #start(socket: Socket): void {
    // The peer was gone before its turn came.
    if (socket.destroyed) return
    const { tcpKeepAliveMs } = this.#config
    // What a turn gathers leaves in one write, which must not wait for an acknowledgement of the last one.
    socket.setNoDelay(true)
    socket.setKeepAlive(tcpKeepAliveMs > 0, tcpKeepAliveMs)
    const connection = new TcpConnection(++this.#lastId, socket, peerOf(socket, this.#name), this.#owner)
    this.#connections.add(connection)
    this.#open += 1
    connection.start(this.#pipeline)
  }

  /** Stops listening and closes every connection. Resolves when the last socket is closed. */
  async stop(): Promise<void> {
    const released = release(this.#server, [...this.#waiting, ...this.#admission.takeAll()])
    await this.#closeConnections('server stops')
    await released
  }

  /**
   * Closes every connection but goes on listening. Who connects from now on waits for the successor.
   * @returns what the successor needs; the list of those who wait is still growing.
   */
  async suspend(): Promise<Handover> {
    this.#endAccepting()
    this.#server.removeAllListeners('connection')
    this.#server.on('connection', (socket) => this.#wait(socket))
    for (const socket of this.#admission.takeAll()) this.#wait(socket)
    await this.#closeConnections('server is being reset')
    const { host, port, backlog } = this.#config
    return { host, port, backlog, server: this.#server, waiting: this.#waiting }
  }

  #wait(socket: Socket): void {
    // Loss of the network while it waits; the successor will see that it is destroyed.
    socket.on('error', () => undefined)
    // Node keeps the address from now on: the operating system forgets it when the peer resets the connection.
    void socket.remoteAddress
    this.#waiting.push(socket)
  }

  async #closeConnections(reason: string): Promise<void> {
    this.#buffers.stop()
    if (this.#connections.size === 0) return
    const allGone = new Promise<void>((resolve) => {
      this.#allGone = resolve
    })
    for (const connection of this.#connections) connection.stop(reason)
    await allGone
  }

  #gone(connection: TcpConnection): void {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#allGone?.()
  }
}
